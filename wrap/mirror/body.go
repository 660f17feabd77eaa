package mirror

import (
	"context"
	"fmt"
	"io"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

const (
	firstChunk = 4 << 10 // most bodies are small
	chunkSize  = 64 << 10
	ahead      = 2 // chunks that wait for a replica at most
)

// body is a caller's reader on its way to several replicas. It is read by other
// goroutines than the caller's, and fails in all of them if it panics in one.
type body struct {
	source   io.Reader
	size     int64 // bytes left in source, or -1
	panicked flow.Panic

	// A source with ReadAt is read by each replica on its own.
	at   io.ReaderAt
	from int64

	// Any other is read once, and sent to all replicas.
	outs  []*out
	err   error // of the source
	ended chan struct{}
}

// newBody returns the body of r for n replicas. An r that replicas read on their own is
// left at its end.
func newBody(r io.Reader, n int) (b *body, err error) {
	b = &body{source: r, ended: make(chan struct{})}
	if b.size, err = ltxio.Size(r); err != nil {
		return nil, err
	}
	at, hasAt := r.(io.ReaderAt)
	seeker, seeks := r.(io.Seeker)
	if hasAt && seeks && b.size > 0 {
		end, err := seeker.Seek(b.size, io.SeekCurrent)
		if err != nil {
			return nil, fmt.Errorf("body does not seek to its end: %w", err)
		}
		b.at, b.from = at, end-b.size
		return b, nil
	}
	for range n {
		b.outs = append(b.outs, &out{chunks: make(chan []byte, ahead), gone: make(chan struct{}), of: b})
	}
	return b, nil
}

// reader returns what replica n reads. It fails when ctx ends.
func (b *body) reader(ctx context.Context, n int) io.Reader {
	if b.at != nil {
		return &section{SectionReader: io.NewSectionReader(b.at, b.from, b.size), ctx: ctx, of: b}
	}
	b.outs[n].ctx = ctx
	return layer.Sized(b.outs[n], b.size)
}

// start starts reading the source if it is read once for all.
func (b *body) start(ctx context.Context) {
	if b.at != nil {
		close(b.ended)
		return
	}
	go func() {
		defer close(b.ended)
		defer func() { // also if the source calls runtime.Goexit
			if b.panicked.Caught() {
				b.err = errPanicked
			}
			for _, out := range b.outs {
				close(out.chunks)
			}
		}()
		b.panicked.Do(func() { b.pump(ctx) })
	}()
}

// done is called when replica n has returned.
func (b *body) done(n int) {
	if b.at == nil {
		close(b.outs[n].gone)
	}
}

// wait returns when the source is no longer read.
func (b *body) wait() { <-b.ended }

// end waits for the source, and returns its failure. It panics if the source has.
func (b *body) end() error {
	b.wait()
	b.panicked.Rethrow()
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// pump reads the source until it ends or every replica has returned. The buffers are
// used in turn: a replica that has room for a chunk has read the one ahead+1 before it.
func (b *body) pump(ctx context.Context) {
	source := ltxio.Whole(ctx, b.source, b.size)
	var buffers [ahead + 2][]byte
	for i := 0; b.err == nil; i++ {
		buf := &buffers[i%len(buffers)]
		if size := min(firstChunk<<(2*min(i, 10)), chunkSize); len(*buf) < size {
			*buf = make([]byte, size)
		}
		var n int
		if n, b.err = ltxio.ReadFull(source, *buf); n == 0 {
			return
		}
		wanted := false
		for _, out := range b.outs {
			wanted = out.send((*buf)[:n]) || wanted
		}
		if !wanted {
			return
		}
	}
}

// out is a replica's reader of chunks.
type out struct {
	of     *body
	ctx    context.Context
	chunks chan []byte
	gone   chan struct{} // closed when the replica has returned
	rest   []byte        // of the current chunk
}

// send waits until the replica has room, and reports false if it has returned.
func (o *out) send(chunk []byte) bool {
	select {
	case o.chunks <- chunk:
		return true
	case <-o.gone:
		return false
	}
}

// Read implements io.Reader.
func (o *out) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(o.rest) == 0 {
		var ok bool
		select {
		case o.rest, ok = <-o.chunks:
			if !ok {
				return 0, ofBody(o.of.err) // set before the channel was closed
			}
		case <-o.ctx.Done():
			return 0, flow.Err(o.ctx)
		}
	}
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// section is a replica's own reader of a source with ReadAt. It fails if the source no longer
// has its initial size, because the replica would store what is left of it.
type section struct {
	*io.SectionReader
	ctx context.Context
	of  *body
}

// Read implements io.Reader.
func (s *section) Read(p []byte) (int, error) {
	if err := flow.Err(s.ctx); err != nil {
		return 0, err
	}
	n, err := s.guard(func() (int, error) { return s.SectionReader.Read(p) })
	if err == io.EOF {
		at, _ := s.Seek(0, io.SeekCurrent)
		err = s.end(at)
	}
	return n, ofBody(err)
}

// ReadAt implements io.ReaderAt, with the same check.
func (s *section) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.guard(func() (int, error) { return s.SectionReader.ReadAt(p, off) })
	if err == io.EOF {
		err = s.end(min(off+int64(n), s.Size()))
	}
	return n, ofBody(err)
}

// end returns the error of the source's end at an offset: io.EOF if that is its size.
func (s *section) end(at int64) error {
	if at == s.Size() {
		var more [1]byte
		n, err := s.guard(func() (int, error) { return s.of.at.ReadAt(more[:], s.of.from+at) })
		if err != nil && err != io.EOF {
			return err
		}
		at += int64(n)
	}
	if err := ltxio.CheckSize(s.Size(), at); err != nil {
		return err
	}
	return io.EOF
}

// guard calls read. After a panic it fails in all replicas.
func (s *section) guard(read func() (int, error)) (n int, err error) {
	s.of.panicked.Do(func() { n, err = read() })
	if s.of.panicked.Caught() {
		return 0, errPanicked
	}
	return n, err
}

// bodyError is a failure of the caller's body, not of a replica.
type bodyError struct{ error }

func (e *bodyError) Unwrap() error { return e.error }

func ofBody(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &bodyError{err}
}
