package ltxio

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// SizeError means that the size of a body has changed since the write began: the file was truncated,
// or is still being written. It is fs.ErrInvalid, which is not retryable, because a second attempt
// would see the new size and store half a file.
type SizeError struct {
	Told int64 // when the write began
	Read int64 // more than Told if the body is longer
}

func (e *SizeError) Error() string {
	if e.Read > e.Told {
		return fmt.Sprintf("body is longer than %d bytes, its size when the write began", e.Told)
	}
	return fmt.Sprintf("body ends after %d bytes: it had %d when the write began", e.Read, e.Told)
}

func (e *SizeError) Unwrap() error { return fs.ErrInvalid }

// CheckSize returns a *SizeError unless told is -1 or equals read.
func CheckSize(told, read int64) error {
	if told < 0 || told == read {
		return nil
	}
	return &SizeError{Told: told, Read: read}
}

// Size returns the number of bytes left in r, if Seek or Len can tell, and otherwise -1. It fails
// only if r cannot seek back.
func Size(r io.Reader) (int64, error) {
	size, _, _, err := remaining(r)
	return size, err
}

// remaining is Size, and also returns the offset of r, if it can seek back there. A size of 0 counts
// as unknown: files in /proc and in some network file systems have that size although they have
// content.
func remaining(r io.Reader) (size, start int64, seekable bool, err error) {
	s, ok := r.(io.Seeker)
	if !ok {
		if l, ok := r.(interface{ Len() int }); ok {
			return believed(int64(l.Len())), 0, false, nil
		}
		return -1, 0, false, nil
	}
	if start, err = s.Seek(0, io.SeekCurrent); err != nil { // a pipe
		return -1, 0, false, nil
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return -1, 0, false, nil
	}
	if _, err := s.Seek(start, io.SeekStart); err != nil {
		return 0, 0, false, fmt.Errorf("body does not seek back to %d: %w", start, err)
	}
	return believed(end - start), start, true, nil
}

func believed(size int64) int64 {
	if size <= 0 {
		return -1
	}
	return size
}

// Whole returns a reader of r that fails if ctx is done, which it checks before each Read and when r
// ends; with a *SizeError if r does not have size bytes, unless size is -1; and with io.ErrNoProgress
// if r keeps returning nothing. After an error it does not read from r.
func Whole(ctx context.Context, r io.Reader, size int64) io.Reader {
	return newWhole(ctx, r, size)
}

func newWhole(ctx context.Context, r io.Reader, size int64) *whole {
	return &whole{r: flow.Reader{Ctx: ctx, R: r}, size: size}
}

type whole struct {
	r          flow.Reader
	size, read int64
	empty      int // consecutive reads
	err        error
}

// Read implements io.Reader.
func (w *whole) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.r.Read(p)
	if n < 0 || n > len(p) {
		w.err = fmt.Errorf("body's reader returned an impossible count: %d of %d bytes", n, len(p))
		return 0, w.err
	}
	w.read += int64(n)
	if w.empty++; n > 0 || len(p) == 0 {
		w.empty = 0
	}
	if err == nil && w.empty > flow.MaxEmptyReads {
		err = io.ErrNoProgress
	}
	if err == io.EOF || w.read > w.size {
		if wrong := CheckSize(w.size, w.read); wrong != nil {
			err = wrong
		}
	}
	w.err = err
	return n, err
}
