package cache

import (
	"context"
	"io"
	"math"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// OpenLTXFile costs no request for a read of 1 to Config.MaxRange bytes if all its blocks
// are kept, and otherwise one request for all of them, which notices blocks of another
// version. The range is in memory when OpenLTXFile returns. Other reads, and those
// during a write or a deletion of the file by this client, go to the next client. A file
// that another client deletes remains readable while its blocks are kept.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	s, err := layer.Begin(ctx, c.base, "open", f.CheckRange(offset, size))
	if err != nil {
		return nil, err
	}
	if s.cfg.Only != OnlyListings && size > 0 && size <= s.cfg.MaxRange && offset < math.MaxInt64-size-s.blocks.size {
		if k, isNew := s.blocks.enter(f); k != nil {
			defer s.blocks.leave(k)
			if isNew {
				s.blocks.stamp(k, s.listings.stampOf(f))
			}
			parts, err := c.read(ctx, s, run{k, offset / s.blocks.size, (offset + size - 1) / s.blocks.size})
			if err != nil {
				return nil, layer.WrapFile(c.next, "open", f, err)
			}
			return c.reader(ctx, f, parts, offset%s.blocks.size, size), nil
		}
	}
	return c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
}

// reader returns a reader of size bytes from offset of blocks.
func (c *Client) reader(ctx context.Context, f layer.File, parts [][]byte, offset, size int64) io.ReadCloser {
	return &codec.Pieces{Ctx: ctx, Store: c.next, File: f, Skip: offset, Left: size,
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
func (c *Client) read(ctx context.Context, s *state, r run) (parts [][]byte, err error) {
	if parts, kept := s.blocks.kept(r); kept {
		s.counters.readHits.Add(1)
		return parts, nil
	}
	parts, shared, err := s.blocks.fetch(ctx, c.next, r)
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
	for n := r.first; n <= r.last && !b.past(r.of, n); n++ {
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
func (b *blocks) fetch(ctx context.Context, next ltxstore.ReplicaClient, r run) (parts [][]byte, shared bool, err error) {
	return b.flights.Do(ctx, r, func(ctx context.Context) (parts [][]byte, err error) {
		f := r.of.file
		rc, err := next.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, r.first*b.size, (r.last-r.first+1)*b.size)
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
