package body

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// errSourcePanic stands for the panic of a source on its way through the SDK.
var errSourcePanic = errors.New("the body's reader has panicked")

// Source is the caller's reader under guard. The HTTP transport reads a body
// from goroutines of its own, where a panic would end the process, and the SDK
// takes a reader's error for the network's: both are kept here, and end every
// request at once. Nothing is read once the write has ended or failed.
type Source struct {
	ctx  context.Context // of the write
	stop context.CancelCauseFunc
	r    io.Reader

	mu       sync.Mutex
	err      error // the source's own failure
	panicked bool
	value    any
}

// NewSource guards r. stop is called with the source's failure, and ends every
// request of the write.
func NewSource(ctx context.Context, stop context.CancelCauseFunc, r io.Reader) *Source {
	return &Source{ctx: ctx, stop: stop, r: r}
}

// Reader returns the source with those abilities of the caller's reader that
// tell its length and allow to begin anew.
func (s *Source) Reader() io.Reader {
	if seeker, ok := s.r.(io.Seeker); ok {
		return &seekableSource{s, seeker}
	}
	if sized, ok := s.r.(interface{ Len() int }); ok {
		return &sizedSource{s, sized.Len}
	}
	return s
}

// Read implements io.Reader.
func (s *Source) Read(p []byte) (n int, err error) {
	return s.guard(p, s.r.Read)
}

func (s *Source) guard(p []byte, read func([]byte) (int, error)) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	if err := ctxio.Err(s.ctx); err != nil {
		return 0, err
	}
	defer func() {
		if v := recover(); v != nil {
			s.panicked, s.value = true, v
			n, err = 0, s.fail(errSourcePanic)
		}
	}()
	n, err = read(p)
	switch {
	case n < 0 || n > len(p):
		return 0, s.fail(fmt.Errorf("body's reader returned an impossible count: %d of %d bytes", n, len(p)))
	case err != nil && err != io.EOF:
		return n, s.fail(err)
	}
	return n, err
}

// fail is called with mu held.
func (s *Source) fail(err error) error {
	s.err = err
	s.stop(err)
	return err
}

// Failure returns the source's own error.
func (s *Source) Failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Rethrow panics in the caller's goroutine with what the source panicked with.
func (s *Source) Rethrow() {
	s.mu.Lock()
	panicked, value := s.panicked, s.value
	s.mu.Unlock()
	if panicked {
		panic(value)
	}
}

// seekableSource is a source that can be read again.
type seekableSource struct {
	*Source
	seeker io.Seeker
}

// Seek implements io.Seeker.
func (s *seekableSource) Seek(offset int64, whence int) (int64, error) {
	return s.seeker.Seek(offset, whence)
}

// sizedSource is a source that tells how much is left, as *bytes.Buffer does.
type sizedSource struct {
	*Source
	length func() int
}

// Len returns the number of bytes left.
func (s *sizedSource) Len() int { return s.length() }
