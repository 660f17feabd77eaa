package cache

import (
	"context"
	"io"
	"math"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Open implements layer.Operations.
func (s *state) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	block := s.blocks.size
	if s.cfg.Only != OnlyListings && size > 0 && size <= s.cfg.MaxRange && offset < math.MaxInt64-size-block {
		if k := s.blocks.enter(f); k != nil {
			defer s.blocks.leave(k)
			parts, err := s.read(ctx, run{k, offset / block, (offset + size - 1) / block})
			if err != nil {
				return nil, err
			}
			return s.reader(ctx, f, parts, offset%block, size), nil
		}
	}
	return s.Next.Open(ctx, f, offset, size)
}

// reader returns a reader of size bytes from offset of blocks.
func (s *state) reader(ctx context.Context, f layer.File, parts [][]byte, offset, size int64) io.ReadCloser {
	return &codec.Pieces{Ctx: ctx, Store: s.Next.Client, File: f, Skip: offset, Left: size,
		Next: func() ([]byte, error) {
			if len(parts) == 0 {
				return nil, io.EOF
			}
			part := parts[0]
			parts = parts[1:]
			return part, nil
		},
	}
}

// run is a range of blocks of a file.
type run struct {
	of          *known
	first, last int64
}

// read returns the blocks up to the end of the file, either all from the cache or all from
// one request, so that versions are not mixed.
func (s *state) read(ctx context.Context, r run) (parts [][]byte, err error) {
	if parts, kept := s.blocks.kept(r); kept {
		s.counters.readHits.Add(1)
		return parts, nil
	}
	parts, shared, err := s.blocks.fetch(ctx, s.Next, r)
	switch {
	case err != nil:
		return nil, err
	case shared:
		s.counters.readShared.Add(1)
	default:
		s.counters.readMisses.Add(1)
	}
	return parts, nil
}

// kept returns the blocks up to the end of the file, if all are kept.
func (b *blocks) kept(r run) (parts [][]byte, ok bool) {
	for n := r.first; n <= r.last; n++ {
		part, ok := b.get(r.of, n)
		if !ok {
			return nil, false
		}
		if parts = append(parts, part); int64(len(part)) < b.size {
			break
		}
	}
	return parts, true
}

// fetch reads blocks up to the end of the file from the store, for all concurrent callers,
// and keeps them.
func (b *blocks) fetch(ctx context.Context, next layer.Next, r run) (parts [][]byte, shared bool, err error) {
	return b.flights.Do(ctx, r, func(ctx context.Context) (parts [][]byte, err error) {
		rc, err := next.Open(ctx, r.of.file, r.first*b.size, (r.last-r.first+1)*b.size)
		if err != nil {
			return nil, err
		}
		defer rc.Close()
		for range r.last - r.first + 1 {
			part := make([]byte, b.size)
			n, err := ltxio.ReadFull(rc, part)
			if err != nil && err != io.EOF {
				return nil, err
			}
			if int64(n) < b.size {
				end := make([]byte, n) // append would take more memory than counted
				copy(end, part)
				parts = append(parts, end)
				break
			}
			parts = append(parts, part)
		}
		for i, part := range parts {
			b.put(r.of, r.first+int64(i), part)
		}
		return parts, nil
	})
}
