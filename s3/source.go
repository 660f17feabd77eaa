package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// errSourcePanic stands for the panic of a source on its way through the SDK.
var errSourcePanic = errors.New("the body's reader has panicked")

// source is the caller's reader under guard. The HTTP transport reads a body
// from goroutines of its own, where a panic would end the process, and the SDK
// takes a reader's error for the network's: both are kept here, and end every
// request at once. Nothing is read once the write has ended or failed.
type source struct {
	ctx  context.Context // of the write
	stop context.CancelCauseFunc
	r    io.Reader

	mu       sync.Mutex
	err      error // the source's own failure
	panicked bool
	value    any
}

// newSource guards r. stop is called with the source's failure.
func newSource(ctx context.Context, stop context.CancelCauseFunc, r io.Reader) *source {
	return &source{ctx: ctx, stop: stop, r: r}
}

// reader returns the source with those abilities of the caller's reader that
// tell its length and allow to begin anew.
func (s *source) reader() io.Reader {
	if seeker, ok := s.r.(io.Seeker); ok {
		return &seekableSource{s, seeker}
	}
	if sized, ok := s.r.(interface{ Len() int }); ok {
		return &sizedSource{s, sized.Len}
	}
	return s
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (n int, err error) {
	return s.guard(p, s.r.Read)
}

func (s *source) guard(p []byte, read func([]byte) (int, error)) (n int, err error) {
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

// seekableSource is a source that can be read again.
type seekableSource struct {
	*source
	seeker io.Seeker
}

// Seek implements io.Seeker.
func (s *seekableSource) Seek(offset int64, whence int) (int64, error) {
	return s.seeker.Seek(offset, whence)
}

// sizedSource is a source that tells how much is left, as *bytes.Buffer does.
type sizedSource struct {
	*source
	length func() int
}

// Len returns the number of bytes left.
func (s *sizedSource) Len() int { return s.length() }

// replayable is a source of known size that is read in place, as often as it
// takes.
type replayable struct {
	src   *seekableSource
	start int64 // where the caller's reader stood
	size  int64

	// parallel, if not nil, reads without moving the reader.
	parallel io.ReaderAt

	at int64 // where the reader stands, -1 if that is not known
}

// replay returns the source as one that can be read again, if r is one and the
// size that it claims is true: a file of /proc, for one, has none. It has sent
// nothing when it returns nil, and the source stands where it stood.
func replay(r io.Reader, size int64) (*replayable, error) {
	src, ok := r.(*seekableSource)
	if !ok || size <= 0 {
		return nil, nil
	}
	start, err := src.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, nil
	}
	p := &replayable{src: src, start: start, size: size, at: start, parallel: parallelReader(src.r)}
	var excess [1]byte
	n, err := p.readAt(excess[:], size)
	switch {
	case n == 0 && err == io.EOF:
		return p, nil
	case err != nil && err != io.EOF:
		return nil, err
	}
	if _, err := src.Seek(start, io.SeekStart); err != nil {
		return nil, fmt.Errorf("body does not seek back to %d: %w", start, err)
	}
	return nil, nil
}

// parallelReader returns r as an io.ReaderAt if its type is known to have one
// that yields what Read does. A type that embeds one of these and has another
// Read would not.
func parallelReader(r io.Reader) io.ReaderAt {
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

// readAt reads up to len(b) bytes at offset from where the source stood.
func (p *replayable) readAt(b []byte, offset int64) (n int, err error) {
	if p.parallel != nil {
		return p.readParallel(b, offset)
	}
	return p.src.guard(b, func(b []byte) (int, error) {
		if want := p.start + offset; p.at != want {
			p.at = -1
			if _, err := p.src.Seek(want, io.SeekStart); err != nil {
				return 0, fmt.Errorf("body does not seek to %d: %w", want, err)
			}
			p.at = want
		}
		for empty := 0; ; empty++ {
			n, err := p.src.r.Read(b)
			if n != 0 || err != nil {
				p.at += int64(n)
				return n, err
			}
			if empty == maxEmptyReads {
				return 0, io.ErrNoProgress
			}
		}
	})
}

// readParallel holds no lock while it reads: several parts do at once.
func (p *replayable) readParallel(b []byte, offset int64) (int, error) {
	if err := p.src.failure(); err != nil {
		return 0, err
	}
	if err := ctxio.Err(p.src.ctx); err != nil {
		return 0, err
	}
	n, err := p.parallel.ReadAt(b, p.start+offset)
	if err != nil && err != io.EOF {
		p.src.mu.Lock()
		defer p.src.mu.Unlock()
		return n, p.src.fail(err)
	}
	return n, err
}

// finish leaves the caller's reader at its end after a success, as reading it
// would. It returns err.
func (p *replayable) finish(err error) error {
	if end := p.start + p.size; err == nil && p.at != end {
		_, _ = p.src.Seek(end, io.SeekStart) // the file is written: nobody is helped by an error
	}
	return err
}

// section returns a reader of a range, which must lie within the size.
func (p *replayable) section(offset, size int64) *section {
	return &section{src: p, offset: offset, size: size}
}

// section is a part of a replayable source, for one request.
type section struct {
	src          *replayable
	offset, size int64
	pos          int64
}

// Read implements io.Reader. A source that has become shorter is an error.
func (s *section) Read(b []byte) (int, error) {
	left := s.size - s.pos
	if left == 0 {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), left)]
	if len(b) == 0 {
		return 0, nil
	}
	n, err := s.src.readAt(b, s.offset+s.pos)
	s.pos += int64(n)
	if err == io.EOF {
		if err = nil; n == 0 {
			source := s.src.src
			source.mu.Lock()
			defer source.mu.Unlock()
			return 0, source.fail(fmt.Errorf("body ends after %d bytes: it had %d when the write began", s.offset+s.pos, s.src.size))
		}
	}
	return n, err
}

// WriteTo implements io.WriterTo, with a buffer from the pool where the SDK
// would make one of 32 KiB.
func (s *section) WriteTo(w io.Writer) (total int64, err error) {
	which := 1
	if s.size <= smallChunk {
		which = 0
	}
	buf := chunk(which)
	defer release(buf)
	for empty := 0; ; {
		n, err := s.Read(buf)
		if n > 0 {
			written, err := w.Write(buf[:n])
			total += int64(written)
			if err != nil {
				return total, err
			}
			empty = 0
		} else if empty++; err == nil && empty > maxEmptyReads {
			return total, io.ErrNoProgress
		}
		switch {
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// Seek implements io.Seeker, with which the SDK sends a request again.
func (s *section) Seek(offset int64, whence int) (int64, error) {
	return seekWithin(&s.pos, s.size, offset, whence)
}

// seekWithin is Seek in size bytes.
func seekWithin(pos *int64, size, offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += *pos
	case io.SeekEnd:
		offset += size
	}
	if offset < 0 || offset > size {
		return 0, fmt.Errorf("seek to %d: want 0 to %d", offset, size)
	}
	*pos = offset
	return offset, nil
}
