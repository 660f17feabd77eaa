package mirror

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

const (
	firstChunk = 4 << 10 // small bodies are many
	chunkSize  = 64 << 10
	ahead      = 2 // chunks that a replica may be behind the body
)

// body is a caller's reader on its way to several replicas. It is read in other
// goroutines than the caller's, where it fails if it panics; see end.
type body struct {
	source   io.Reader
	size     int64 // how much there is left of it, or -1
	panicked flow.Panic

	// Of a source that has ReadAt: each replica reads on its own.
	at   io.ReaderAt
	from int64

	// Of any other: what was read is sent to all.
	outs  []*out
	err   error // of the source
	ended chan struct{}
	free  chan *chunk
	room  int
}

// newBody looks what r can do. One that replicas read on their own is left at its end.
func newBody(r io.Reader, n int) (b *body, err error) {
	b = &body{source: r, ended: make(chan struct{}), free: make(chan *chunk, ahead+2)}
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
		b.outs = append(b.outs, &out{chunks: make(chan *chunk, ahead), gone: make(chan struct{}), of: b})
	}
	return b, nil
}

// reader returns what replica n is to read. It ends with ctx.
func (b *body) reader(ctx context.Context, n int) io.Reader {
	if b.at != nil {
		return &section{SectionReader: io.NewSectionReader(b.at, b.from, b.size), ctx: ctx, of: b}
	}
	b.outs[n].ctx = ctx
	return layer.Sized(b.outs[n], b.size)
}

// start begins to read the source, if one reads it for all.
func (b *body) start(ctx context.Context) {
	if b.at != nil {
		close(b.ended)
		return
	}
	go b.run(ctx)
}

// done is called when replica n has returned.
func (b *body) done(n int) {
	if b.at == nil {
		close(b.outs[n].gone)
	}
}

// wait returns when the source is not read any more.
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

// run reads the source for all.
func (b *body) run(ctx context.Context) {
	defer close(b.ended)
	defer func() {
		if b.panicked.Caught() {
			b.err = errPanicked
		}
		for _, out := range b.outs {
			close(out.chunks)
		}
	}()
	b.panicked.Do(func() { b.pump(ctx) })
}

// pump reads the source until it ends, or nobody wants it any more.
func (b *body) pump(ctx context.Context) {
	source := ltxio.Whole(ctx, b.source, b.size)
	for b.err == nil {
		c := b.take()
		c.n, b.err = ltxio.ReadFull(source, c.b)
		c.users.Store(1 + int32(len(b.outs)))
		wanted := 0
		for _, out := range b.outs {
			if c.n > 0 && out.send(c) {
				wanted++
			} else {
				b.release(c)
				wanted += out.still()
			}
		}
		b.release(c)
		if wanted == 0 {
			return
		}
	}
}

// take returns a chunk that nobody reads: a larger one each time.
func (b *body) take() *chunk {
	b.room = min(max(4*b.room, firstChunk), chunkSize)
	select {
	case c := <-b.free:
		return c
	default:
		return &chunk{b: make([]byte, b.room)}
	}
}

func (b *body) release(c *chunk) {
	if c.users.Add(-1) > 0 || len(c.b) < chunkSize {
		return
	}
	select {
	case b.free <- c:
	default:
	}
}

// chunk is a piece of the body. Whoever reads it releases it.
type chunk struct {
	b     []byte
	n     int
	users atomic.Int32
}

// out is a replica's reader of chunks.
type out struct {
	of     *body
	ctx    context.Context
	chunks chan *chunk
	gone   chan struct{} // closed when nobody reads any more

	chunk *chunk
	at    int
}

// send waits until the replica has room, or is gone.
func (o *out) send(c *chunk) bool {
	select {
	case o.chunks <- c:
		return true
	case <-o.gone:
		return false
	}
}

// still is 1 while the replica may read.
func (o *out) still() int {
	select {
	case <-o.gone:
		return 0
	default:
		return 1
	}
}

// Read implements io.Reader.
func (o *out) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if o.chunk == nil {
		var ok bool
		select {
		case o.chunk, ok = <-o.chunks:
			if !ok {
				return 0, ofBody(o.of.err) // set before the channel was closed
			}
		case <-o.ctx.Done():
			return 0, flow.Err(o.ctx)
		}
	}
	n := copy(p, o.chunk.b[o.at:o.chunk.n])
	if o.at += n; o.at == o.chunk.n {
		o.of.release(o.chunk)
		o.chunk, o.at = nil, 0
	}
	return n, nil
}

// section is a replica's own reader of a source with ReadAt, which must still have the
// size that it told: else each replica would take what is there for the whole.
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
	if err == io.EOF && len(p) > 0 {
		at, _ := s.Seek(0, io.SeekCurrent)
		err = s.end(at)
	}
	return n, ofBody(err)
}

// ReadAt implements io.ReaderAt with the same rule.
func (s *section) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.guard(func() (int, error) { return s.SectionReader.ReadAt(p, off) })
	if err == io.EOF {
		err = s.end(min(off+int64(n), s.Size()))
	}
	return n, ofBody(err)
}

// end returns what the source ends with at a place: io.EOF if that is its end.
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

// guard calls the source, which fails in all replicas when it has panicked in one.
func (s *section) guard(read func() (int, error)) (n int, err error) {
	s.of.panicked.Do(func() { n, err = read() })
	if s.of.panicked.Caught() {
		return 0, errPanicked
	}
	return n, err
}

// bodyError is a failure of the caller's body, and of no replica.
type bodyError struct{ error }

func (e *bodyError) Unwrap() error { return e.error }

func ofBody(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &bodyError{err}
}
