package compress

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// stored is what is known of a stored file.
type stored struct {
	codec.Known
	summary         // of the body
	ends    []int64 // where the frames end; nil if the file is not compressed
	corrupt error   // why the content of the file is unknown
}

// memory returns roughly the memory of s.
func (s *stored) memory() int64 { return 160 + 8*int64(cap(s.ends)) }

// CanList implements codec.Format.
func (s *format) CanList(bool) error { return nil }

// SizeOf implements codec.Format.
func (s *format) SizeOf(int64) (size int64, ok bool) { return 0, false }

// Inspect implements codec.Format.
func (s *format) Inspect(ctx context.Context, listed ltx.FileInfo, metadata bool) (codec.Known, error) {
	known, err := s.inspect(ctx, layer.FileOf(&listed), listed, metadata)
	if err != nil {
		return codec.Known{}, err
	}
	return known.Known, known.corrupt
}

// Forget implements codec.Format.
func (s *format) Forget(f layer.File) { s.files.Drop(f) }

// Clear implements codec.Format.
func (s *format) Clear() { s.files.Clear() }

// The end of a file is read in one request: a KiB, and of a large file enough to include
// the table, unless its frames compress to less than an eighth.
const (
	leastTail = 1 << 10
	mostTail  = 1 << 20
)

func (s *format) tailOf(size int64) int64 {
	return min(size, leastTail+size/int64(s.frameSize)*8*entrySize, mostTail)
}

// maxInspections bounds how often a file is inspected that is replaced meanwhile.
const maxInspections = 4

// inspect returns what is known of a file from its stored end, and remembers it. listed is the
// file as the store lists it; if its Size is zero, the file is listed first. With metadata the
// time of an uncompressed file is read too. It costs a request for the end of the file.
// It fails with fs.ErrNotExist if the file is missing.
func (s *format) inspect(ctx context.Context, f layer.File, listed ltx.FileInfo, metadata bool) (*stored, error) {
	var before ltx.FileInfo
	for range maxInspections {
		if listed.Size == 0 {
			var err error
			if listed, err = codec.Stat(ctx, s.next, f); err != nil {
				return nil, err
			}
			if listed.Size == before.Size && listed.CreatedAt.Equal(before.CreatedAt) {
				return nil, codec.Corrupt("file has not the %d bytes with which it is listed", listed.Size)
			}
		}
		known, err := s.inspectOnce(ctx, f, listed, metadata)
		if err != nil {
			return nil, err
		}
		if known != nil {
			s.files.Put(f, known, known.memory())
			return known, nil
		}
		before, listed = listed, ltx.FileInfo{}
	}
	return nil, fmt.Errorf("the file is being replaced repeatedly: %w", ltxstore.ErrUnavailable)
}

// inspectOnce returns nil if the file is no longer of the size that was listed.
func (s *format) inspectOnce(ctx context.Context, f layer.File, listed ltx.FileInfo, metadata bool) (*stored, error) {
	tail, err := s.readEnd(ctx, f, listed.Size, s.tailOf(listed.Size))
	if tail == nil || err != nil {
		return nil, err
	}
	known := &stored{Known: codec.Known{Length: listed.Size, At: listed.CreatedAt, Size: listed.Size}}
	frames, ok := frameCount(tail)
	want := trailerSize(frames)
	if !ok || want >= listed.Size {
		return known, s.inspectPlain(ctx, f, known, tail, metadata)
	}
	if want > int64(len(tail)) {
		if tail, err = s.readEnd(ctx, f, listed.Size, want); tail == nil || err != nil {
			return nil, err
		}
	}
	known.summary, known.ends, err = parseTrailer(tail[int64(len(tail))-want:], listed.Size)
	if err != nil {
		known.ends = nil
		return known, s.inspectPlain(ctx, f, known, tail, metadata)
	}
	known.Size, known.Time, known.IsLTX, known.Timed = known.size, known.time, known.isLTX, true
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

// inspectPlain inspects the beginning of a file that does not end as a compressed one does,
// if tail has it or metadata is true.
func (s *format) inspectPlain(ctx context.Context, f layer.File, known *stored, tail []byte, metadata bool) (err error) {
	head := tail
	switch {
	case int64(len(tail)) == known.Length: // all of it
	case !metadata:
		return nil
	default:
		if head, err = codec.Read(ctx, s.next, f, 0, ltx.HeaderSize); err != nil {
			return err
		}
	}
	known.Timed = true
	if isZstd(head) {
		known.corrupt = codec.Corrupt("file begins with a zstd frame but has no seek table: it is cut off or was written by another program")
	} else if at, isLTX, err := ltxio.Timestamp(head[:min(len(head), ltx.HeaderSize)]); err != nil {
		known.corrupt = codec.Corrupt("%w", err)
	} else {
		known.Time, known.IsLTX = at, isLTX
	}
	return nil
}

// isZstd reports whether a file begins as a compressed one, or is cut off within its first
// bytes. head has 4 bytes, or the whole file.
func isZstd(head []byte) bool {
	magic := binary.LittleEndian.AppendUint32(nil, zstdMagic)
	n := min(len(head), len(magic))
	return n > 0 && bytes.Equal(head[:n], magic[:n])
}

func isLTX(head []byte) bool { return bytes.HasPrefix(head, []byte(ltx.Magic)) }
