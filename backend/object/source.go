package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// errSourcePanic stands for the panic of a source on its way through an SDK.
var errSourcePanic = errors.New("the body's reader panicked")

// source is the caller's reader under guard. An HTTP transport reads bodies in
// goroutines of its own, where a panic would end the process, and SDKs take a
// reader's error for the network's: both are kept here, and end every request
// of the write at once. Nothing is read once the write has ended or failed.
type source struct {
	ctx  context.Context // of the write
	stop context.CancelCauseFunc
	r    io.Reader

	// at, if not nil, reads r at any place, several at once, without moving
	// it. start is where r stood.
	at    io.ReaderAt
	start int64

	// size is how many bytes there are, -1 if r does not tell. A body that
	// turns out to have another size has changed while it was sent.
	size int64

	mu       sync.Mutex
	read     int64
	err      error // the source's own failure
	panicked bool
	value    any
}

// newSource guards r. stop is called with the source's failure.
func newSource(ctx context.Context, stop context.CancelCauseFunc, r io.Reader) (*source, error) {
	s := &source{ctx: ctx, stop: stop, r: r, size: -1}
	size, err := ltxio.Size(r)
	if err != nil || size < 0 {
		return s, err
	}
	s.size = size
	if at := readerAt(r); at != nil {
		s.at = at
		s.start, err = r.(io.Seeker).Seek(0, io.SeekCurrent)
	}
	return s, err
}

// readerAt returns r as an io.ReaderAt if its type is known to have one that
// yields what Read does. A type that embeds one of these and has another Read
// would not.
func readerAt(r io.Reader) io.ReaderAt {
	switch r := r.(type) {
	case *os.File:
		return r
	case *bytes.Reader:
		return r
	case *strings.Reader:
		return r
	}
	return nil
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
		return 0, ended // it may have blocked for long: what it says now is too late
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

// ReadAt implements io.ReaderAt where at is not nil. It holds no lock while it
// reads: several parts do so at once.
func (s *source) ReadAt(p []byte, offset int64) (int, error) {
	s.mu.Lock()
	err := s.usable()
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := s.at.ReadAt(p, s.start+offset)
	switch end := offset + int64(n); {
	case err == io.EOF && end < s.size:
		err = ltxio.CheckSize(s.size, end)
	case err == nil && end == s.size && s.goesOn():
		// Without its last bytes, no request is complete.
		n, err = 0, ltxio.CheckSize(s.size, s.size+1)
	}
	if err != nil && err != io.EOF {
		s.mu.Lock()
		defer s.mu.Unlock()
		return n, s.fail(err)
	}
	return n, err
}

// goesOn reports whether a file has grown since the write began. Of the readers
// that are read in place, only files can.
func (s *source) goesOn() bool {
	if _, ok := s.at.(*os.File); !ok {
		return false
	}
	n, _ := s.at.ReadAt(make([]byte, 1), s.start+s.size)
	return n > 0
}

// usable is called with mu held.
func (s *source) usable() error {
	if s.err != nil {
		return s.err
	}
	return flow.Err(s.ctx)
}

// fail is called with mu held.
func (s *source) fail(err error) error {
	s.err = err
	s.stop(err)
	return err
}

// failure returns the source's own error.
func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// rethrow panics in the caller's goroutine with what the source panicked with.
func (s *source) rethrow() {
	s.mu.Lock()
	panicked, value := s.panicked, s.value
	s.mu.Unlock()
	if panicked {
		panic(value)
	}
}

// finish leaves the caller's reader at its end after a success, as reading it
// would have.
func (s *source) finish() {
	if s.at != nil {
		// The file is stored: an error here helps nobody.
		_, _ = s.r.(io.Seeker).Seek(s.start+s.size, io.SeekStart)
	}
}
