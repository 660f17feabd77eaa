package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// errSourcePanic represents a panic of the source while it passes through an SDK.
var errSourcePanic = errors.New("the body's reader panicked")

// source guards the caller's reader. HTTP transports read bodies in their own
// goroutines, where a panic would end the process, and SDKs mistake a reader's error
// for one of the network: source records both, and cancels all requests of the write.
// It reads nothing after the write has ended or failed.
type source struct {
	ctx  context.Context // of the write
	stop context.CancelCauseFunc
	r    io.Reader

	// at, if not nil, reads r in place.
	at *ltxio.Section

	// size is the number of bytes, or -1 if unknown. If it turns out to be another,
	// the body has changed while it was sent.
	size int64

	mu       sync.Mutex
	read     int64
	err      error // the error of the source itself
	panicked bool
	value    any
}

// newSource returns a source for r. It calls stop with the error of r.
func newSource(ctx context.Context, stop context.CancelCauseFunc, r io.Reader) (*source, error) {
	s := &source{ctx: ctx, stop: stop, r: r, size: -1}
	size, err := ltxio.Size(r)
	if err != nil || size < 0 {
		return s, err
	}
	s.size = size
	s.at, err = ltxio.NewSection(r, size)
	return s, err
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return 0, err
	}
	defer func() {
		if v := recover(); v != nil {
			s.panicked, s.value = true, v
			n, err = 0, s.fail(errSourcePanic)
		}
	}()
	n, err = s.r.Read(p)
	if ended := flow.Err(s.ctx); ended != nil {
		return 0, ended // it may have blocked for long, and its result is too late
	}
	switch {
	case n < 0 || n > len(p):
		return 0, s.fail(fmt.Errorf("body's reader returned an impossible count: %d of %d bytes", n, len(p)))
	case err != nil && err != io.EOF:
		return n, s.fail(err)
	}
	s.read += int64(n)
	if err == io.EOF || s.read > s.size {
		if wrong := ltxio.CheckSize(s.size, s.read); wrong != nil {
			return n, s.fail(wrong)
		}
	}
	return n, err
}

// ReadAt implements io.ReaderAt if at is not nil. It holds no lock while reading,
// because several parts are read concurrently.
func (s *source) ReadAt(p []byte, offset int64) (int, error) {
	s.mu.Lock()
	err := s.usable()
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := s.at.ReadAt(p, offset)
	if err != nil && err != io.EOF {
		s.mu.Lock()
		defer s.mu.Unlock()
		return n, s.fail(err)
	}
	return n, err
}

// usable returns why nothing may be read, or nil. mu must be held.
func (s *source) usable() error {
	if s.err != nil {
		return s.err
	}
	return flow.Err(s.ctx)
}

// fail records err and cancels the write. mu must be held.
func (s *source) fail(err error) error {
	s.err = err
	s.stop(err)
	return err
}

// failure returns the error of the source itself.
func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// rethrow repeats a panic of the source in the caller's goroutine.
func (s *source) rethrow() {
	s.mu.Lock()
	panicked, value := s.panicked, s.value
	s.mu.Unlock()
	if panicked {
		panic(value)
	}
}

// finish moves the caller's reader to its end after a success, as if it had been read.
func (s *source) finish() {
	if s.at != nil {
		// The file is stored, so that an error here would not help.
		_ = s.at.Skip()
	}
}
