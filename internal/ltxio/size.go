package ltxio

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// SizeError means that a body does not have the size that it told when the
// write began: a file that was truncated, or is still being written. It is
// fs.ErrInvalid, which is not retryable: a second attempt would find the new
// size and store half a file as if it were whole.
type SizeError struct {
	Told int64 // when the write began
	Read int64 // more than Told if the body goes on
}

func (e *SizeError) Error() string {
	if e.Read > e.Told {
		return fmt.Sprintf("body goes on after %d bytes: it had so many when the write began", e.Told)
	}
	return fmt.Sprintf("body ends after %d bytes: it had %d when the write began", e.Read, e.Told)
}

func (e *SizeError) Unwrap() error { return fs.ErrInvalid }

// CheckSize returns a *SizeError unless told is -1 or read.
func CheckSize(told, read int64) error {
	if told < 0 || told == read {
		return nil
	}
	return &SizeError{Told: told, Read: read}
}

// Size returns how many bytes r has left, if it can tell by Seek or Len, else
// -1. It fails only where r was moved and does not go back: what it would yield
// then is not what the caller gave.
func Size(r io.Reader) (int64, error) {
	size, _, _, err := remaining(r)
	return size, err
}

// remaining is Size, and tells where r stands, if it can go back there. A size
// of 0 is not believed: files of /proc and of some network file systems say so
// and have content.
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

// Whole returns a reader of r that ends with ctx, which is looked at before each
// Read and when r ends, and that fails with a *SizeError where r does not yield
// size bytes; -1 means that any number will do. Its errors are for good.
func Whole(ctx context.Context, r io.Reader, size int64) io.Reader {
	return &whole{r: flow.Reader{Ctx: ctx, R: r}, size: size}
}

type whole struct {
	r          flow.Reader
	size, read int64
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
	if err == io.EOF || w.read > w.size {
		if wrong := CheckSize(w.size, w.read); wrong != nil {
			err = wrong
		}
	}
	w.err = err
	return n, err
}
