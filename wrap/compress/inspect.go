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
	corrupt error   // why it cannot be told what the file holds
}

// memory is about how many bytes are held.
func (s *stored) memory() int64 { return 160 + 8*int64(cap(s.ends)) }

// Lists implements codec.Format.
func (s *format) Lists(bool) (concurrency int, err error) { return s.concurrency, nil }

// Tell implements codec.Format.
func (s *format) Tell(info *ltx.FileInfo, metadata bool) bool {
	known, ok := s.files.Get(layer.FileOf(info))
	if !ok || !known.Of(info, metadata) || known.corrupt != nil {
		return false
	}
	known.Fill(info)
	return true
}

// Look implements codec.Format. A file whose content cannot be told is listed with its
// stored size; opening it tells what is wrong.
func (s *format) Look(ctx context.Context, info *ltx.FileInfo, metadata bool) error {
	known, err := s.look(ctx, layer.FileOf(info), *info, metadata)
	if err == nil && metadata {
		err = known.corrupt
	}
	if err == nil {
		known.Fill(info)
	}
	return err
}

// Forget implements codec.Format.
func (s *format) Forget(f layer.File) { s.files.Drop(f) }

// Clear implements codec.Format.
func (s *format) Clear() { s.files.Clear() }

// A file's end is read in one request: a KiB, and so much more of a large file
// that the table is in it unless frames compress to less than an eighth.
const (
	leastTail = 1 << 10
	mostTail  = 1 << 20
)

func (s *format) tailOf(size int64) int64 {
	return min(size, leastTail+size/int64(s.frameSize)*8*entrySize, mostTail)
}

// maxLooks bounds how often a file is looked at that is replaced meanwhile.
const maxLooks = 4

// look finds out what a file holds and remembers it. listed is what the store
// says of it; with a zero Size that is asked for first. With metadata the time of
// a file that is not compressed is read too. It costs a request for the end of
// the file. A missing file is fs.ErrNotExist.
func (s *format) look(ctx context.Context, f layer.File, listed ltx.FileInfo, metadata bool) (*stored, error) {
	var before ltx.FileInfo
	for range maxLooks {
		if listed.Size == 0 {
			var err error
			if listed, err = codec.Stat(ctx, s.next, f); err != nil {
				return nil, err
			}
			if listed.Size == before.Size && listed.CreatedAt.Equal(before.CreatedAt) {
				return nil, codec.Corrupt("file is listed with %d bytes and has not so many", listed.Size)
			}
		}
		known, err := s.lookOnce(ctx, f, listed, metadata)
		if err != nil {
			return nil, err
		}
		if known != nil {
			s.files.Put(f, known, known.memory())
			return known, nil
		}
		before, listed = listed, ltx.FileInfo{}
	}
	return nil, fmt.Errorf("the file is replaced again and again: %w", ltxstore.ErrUnavailable)
}

// lookOnce returns nil if the file is no longer of the size that was listed.
func (s *format) lookOnce(ctx context.Context, f layer.File, listed ltx.FileInfo, metadata bool) (*stored, error) {
	tail, err := s.readEnd(ctx, f, listed.Size, s.tailOf(listed.Size))
	if tail == nil || err != nil {
		return nil, err
	}
	known := &stored{Known: codec.Known{Length: listed.Size, At: listed.CreatedAt, Size: listed.Size}}
	frames, ok := frameCount(tail)
	want := trailerSize(frames)
	if !ok || want >= listed.Size {
		return known, s.lookPlain(ctx, f, known, tail, metadata)
	}
	if want > int64(len(tail)) {
		if tail, err = s.readEnd(ctx, f, listed.Size, want); tail == nil || err != nil {
			return nil, err
		}
	}
	known.summary, known.ends, err = parseTrailer(tail[int64(len(tail))-want:], listed.Size)
	if err != nil {
		known.ends = nil
		return known, s.lookPlain(ctx, f, known, tail, metadata)
	}
	known.Size, known.Time, known.IsLTX, known.Timed = known.size, known.time, known.isLTX, true
	return known, nil
}

// readEnd reads the last n bytes of a file of that size; nil if it has another.
func (s *format) readEnd(ctx context.Context, f layer.File, size, n int64) ([]byte, error) {
	tail, err := codec.Read(ctx, s.next, f, size-n, n+1)
	if err != nil || int64(len(tail)) != n {
		return nil, err
	}
	return tail, nil
}

// lookPlain looks at the beginning of a file that does not end as a compressed
// one does, if that is at hand, or if the time is wanted.
func (s *format) lookPlain(ctx context.Context, f layer.File, known *stored, tail []byte, metadata bool) (err error) {
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
		known.corrupt = codec.Corrupt("file begins with a zstd frame and does not end with a seek table: it is cut off, or no file of this package")
	} else if at, isLTX, err := ltxio.Timestamp(head[:min(len(head), ltx.HeaderSize)]); err != nil {
		known.corrupt = codec.Corrupt("%w", err)
	} else {
		known.Time, known.IsLTX = at, isLTX
	}
	return nil
}

// isZstd reports whether a file begins as a compressed one, or is cut off within the
// first bytes of one. head has 4 bytes, or all of the file.
func isZstd(head []byte) bool {
	magic := binary.LittleEndian.AppendUint32(nil, zstdMagic)
	n := min(len(head), len(magic))
	return n > 0 && bytes.Equal(head[:n], magic[:n])
}

func isLTX(head []byte) bool { return bytes.HasPrefix(head, []byte(ltx.Magic)) }
