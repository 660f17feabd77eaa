package compress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

const (
	// prefix is how much of a file's beginning is read without its seek table.
	prefix = 64 << 10

	// prefixStored is enough for the frames of these bytes, whatever their size, and for
	// the end of a file that has no more.
	prefixStored = prefix + maxFrameSize + 64<<10
)

// Open implements codec.Format.
func (s *format) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	if offset == 0 && size == 0 {
		return s.openStart(ctx, f, 0, 0, -1)
	}
	if size > 0 && size <= prefix && offset <= prefix-size {
		return s.openStart(ctx, f, prefixStored, offset, size)
	}
	rc, err := codec.OpenKnown(s.files, f,
		func() (*stored, error) { return s.inspect(ctx, f, ltx.FileInfo{}, false) },
		func(a, b *stored) bool { return a.Length == b.Length && a.At.Equal(b.At) },
		func(known *stored) (io.ReadCloser, error) { return s.openKnown(ctx, f, known, offset, size) })
	if errors.Is(err, errPastEnd) {
		return s.reader(ctx, f, nil, 0, 0), nil
	}
	return rc, err
}

// errPastEnd means that the file, as it is known, ends before the range.
var errPastEnd = fmt.Errorf("file ends before the range: %w", ltxstore.ErrChecksum)

// openStart reads from the beginning: storedSize bytes of the stored file, or all if it is 0.
func (s *format) openStart(ctx context.Context, f layer.File, storedSize, skip, left int64) (io.ReadCloser, error) {
	body, err := s.next.Open(ctx, f, 0, storedSize)
	if err != nil {
		return nil, err
	}
	from := &codec.Transfer{R: body}
	seq := newSequence(s.zstd, from)
	r := s.reader(ctx, f, body, skip, left)
	head, err := seq.body.Peek(4)
	if err == io.EOF {
		err = nil
	}
	switch {
	case err != nil:
	case isZstd(head):
		r.Next = seq.next
		err = r.Load()
	default:
		if !isLTX(head) {
			err = s.mustBePlain(ctx, f)
		}
		r.Next = chunks(seq.body)
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return r, nil
}

// mustBePlain refuses a file that begins neither as LTX nor as zstd, but ends as a compressed
// file: its first bytes are damaged.
func (s *format) mustBePlain(ctx context.Context, f layer.File) error {
	known, err := s.inspect(ctx, f, ltx.FileInfo{}, false)
	if err == nil && known.ends != nil {
		err = codec.Corrupt("file ends as a compressed one but does not begin as one")
	}
	return err
}

// chunks returns a function that reads pieces of r.
func chunks(r *bufio.Reader) func() ([]byte, error) {
	var buf []byte
	return func() ([]byte, error) {
		if buf == nil {
			buf = make([]byte, 32<<10)
		}
		n, err := r.Read(buf)
		if n > 0 {
			err = nil
		}
		return buf[:n], err
	}
}

// openKnown reads a range of a file by what is known of it. It fails with ltxstore.ErrChecksum if
// the file contradicts that or, as it is known, ends before the range: it may have been replaced.
func (s *format) openKnown(ctx context.Context, f layer.File, known *stored, offset, size int64) (io.ReadCloser, error) {
	switch {
	case known.corrupt != nil:
		return nil, known.corrupt
	case known.ends == nil:
		return s.openPlain(ctx, f, offset, size)
	}
	start, n := rangeio.Clamp(offset, size, known.size)
	if n == 0 {
		return nil, errPastEnd
	}
	first, behind := start/known.frameSize, (start+n-1)/known.frameSize+1
	at, length := known.place(first, behind)
	body, err := s.next.Open(ctx, f, at, length)
	if err != nil {
		return nil, err
	}
	r := s.reader(ctx, f, body, start-first*known.frameSize, n)
	r.Next = newSelection(s.zstd, &codec.Transfer{R: body}, known, first).next
	return r.Opened()
}

// openPlain opens a range of an uncompressed file. The beginning is read after the range is
// open, to notice a file that was replaced by a compressed one.
func (s *format) openPlain(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	body, err := s.next.Open(ctx, f, offset, size)
	if err != nil {
		return nil, err
	}
	head, err := codec.Read(ctx, s.next, f, 0, 4)
	if err == nil && isZstd(head) {
		err = codec.Corrupt("file begins as a compressed one but does not end as one")
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

func (s *format) reader(ctx context.Context, f layer.File, body io.Closer, skip, left int64) *codec.Pieces {
	return &codec.Pieces{Ctx: ctx, Store: s.next.Client, File: f, Skip: skip, Left: left, Body: body}
}
