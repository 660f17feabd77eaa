package compress

import (
	"context"
	"fmt"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// stored is what is known of a stored file.
type stored struct {
	length  int64 // as the next client lists it, as at
	at      time.Time
	trailer // its ends are nil if the file is not compressed
}

// memory returns roughly the memory of s.
func (s *stored) memory() int64 { return 128 + 8*int64(cap(s.ends)) }

// CanList implements codec.Format.
func (s *format) CanList(bool) error { return nil }

// SizeOf implements codec.Format.
func (s *format) SizeOf(int64) (size int64, ok bool) { return 0, false }

// Inspect implements codec.Format.
func (s *format) Inspect(ctx context.Context, listed ltx.FileInfo, metadata bool) (codec.Known, error) {
	f := layer.FileOf(&listed)
	found, err := s.inspect(ctx, f, listed)
	if err != nil {
		return codec.Known{}, err
	}
	known := codec.Known{Length: found.length, At: found.at, Size: found.size, Timestamp: found.timestamp, Timed: true}
	if found.ends != nil {
		return known, nil
	}
	known.Size, known.Timed = found.length, metadata
	if !metadata {
		return known, nil
	}
	head, err := codec.Read(ctx, s.next, f, 0, ltx.HeaderSize)
	if err != nil {
		return codec.Known{}, err
	}
	at, ok, err := ltxio.Timestamp(head)
	if err != nil || !ok {
		return codec.Known{}, codec.Corrupt("file is no LTX file, and does not end as a compressed one")
	}
	known.Timestamp = at.UnixMilli()
	return known, nil
}

// maxInspections bounds how often a file is inspected that is replaced meanwhile.
const maxInspections = 4

// find inspects a file that has not been listed.
func (s *format) find(ctx context.Context, f layer.File) (*stored, error) {
	listed, err := codec.Stat(ctx, s.next, f)
	if err != nil {
		return nil, err
	}
	return s.inspect(ctx, f, listed)
}

// inspect returns what is known of a listed file from its stored end, and remembers it. It fails
// with fs.ErrNotExist if the file is missing.
func (s *format) inspect(ctx context.Context, f layer.File, listed ltx.FileInfo) (*stored, error) {
	for range maxInspections {
		known, err := s.readTrailer(ctx, f, listed)
		if err != nil {
			return nil, err
		}
		if known != nil {
			s.Put(f, known, known.memory())
			return known, nil
		}
		before := listed
		if listed, err = codec.Stat(ctx, s.next, f); err != nil {
			return nil, err
		}
		if listed.Size == before.Size && listed.CreatedAt.Equal(before.CreatedAt) {
			return nil, codec.Corrupt("file has not the %d bytes with which it is listed", listed.Size)
		}
	}
	return nil, fmt.Errorf("the file is being replaced repeatedly: %w", ltxstore.ErrUnavailable)
}

// readTrailer returns nil if the file is not of the size that was listed. It reads a KiB, and of
// a large file enough for the trailer, unless the frames compress to less than an eighth. That
// costs another request.
func (s *format) readTrailer(ctx context.Context, f layer.File, listed ltx.FileInfo) (*stored, error) {
	n := min(listed.Size, 1<<10+listed.Size/int64(s.frameSize)*8*entrySize, 1<<20)
	tail, err := s.readEnd(ctx, f, listed.Size, n)
	if tail == nil || err != nil {
		return nil, err
	}
	known := &stored{length: listed.Size, at: listed.CreatedAt}
	_, size, ok := parseEnd(tail)
	if !ok || size >= listed.Size {
		return known, nil
	}
	if size > n {
		if tail, err = s.readEnd(ctx, f, listed.Size, size); tail == nil || err != nil {
			return nil, err
		}
	}
	if known.trailer, err = parseTrailer(tail[int64(len(tail))-size:], listed.Size); err != nil {
		return nil, codec.Corrupt("%w", err)
	}
	return known, nil
}

// readEnd returns the last n bytes of a file, or nil if it is not of that size.
func (s *format) readEnd(ctx context.Context, f layer.File, size, n int64) ([]byte, error) {
	tail, err := codec.Read(ctx, s.next, f, size-n, n+1)
	if err != nil || int64(len(tail)) != n {
		return nil, err
	}
	return tail, nil
}
