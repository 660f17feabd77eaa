package mirror

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// chunkSize is how much of a source is sent to all replicas at once. A body of less is kept in
// memory.
const chunkSize = 64 << 10

// body is a caller's reader on its way to several replicas. It is read by other
// goroutines than the caller's, and fails in all of them if it panics in one.
type body struct {
	size     int64 // or -1
	panicked flow.Panic

	// A source with ReadAt, and a small one, is read by each replica on its own.
	at   io.ReaderAt
	from int64

	// Any other is read once, and sent to all replicas.
	source io.Reader
	pipes  []pipe
	err    error // of the source
	ended  chan struct{}
}

// pipe leads from the source to a replica.
type pipe struct {
	r *io.PipeReader
	w *io.PipeWriter
}

// newBody returns the body of r for n replicas. An r that replicas read on their own is
// left at its end.
func newBody(ctx context.Context, r io.Reader, n int) (b *body, err error) {
	b = &body{ended: make(chan struct{})}
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
	source := ltxio.Whole(ctx, r, b.size)
	var first flow.Buffer
	end, err := first.Fill(source, chunkSize, 0)
	switch {
	case err != nil:
		return nil, err
	case end: // the buffer is not freed: a transport may still be reading it
		b.at, b.size = bytes.NewReader(first.B), int64(len(first.B))
		return b, nil
	}
	b.source = flow.Drain(&first, source)
	for range n {
		r, w := io.Pipe()
		b.pipes = append(b.pipes, pipe{r, w})
	}
	return b, nil
}

// reader returns what replica n reads, which fails when ctx ends. done is called when the replica
// has returned.
func (b *body) reader(ctx context.Context, n int) (r io.Reader, done func()) {
	if b.at != nil {
		return io.NewSectionReader(section{b, ctx}, b.from, b.size), func() {}
	}
	p := b.pipes[n]
	stop := context.AfterFunc(ctx, func() { p.w.CloseWithError(flow.Err(ctx)) })
	return layer.Sized(struct{ io.Reader }{p.r}, b.size), func() {
		stop()
		p.r.Close()
	}
}

// start starts reading the source if it is read once for all.
func (b *body) start() {
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
			for _, p := range b.pipes {
				p.w.CloseWithError(ofBody(b.err))
			}
		}()
		b.panicked.Do(b.pump)
	}()
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

// pump reads the source until it ends or every replica has returned.
func (b *body) pump() {
	chunk := make([]byte, chunkSize)
	for b.err == nil {
		var n int
		if n, b.err = ltxio.ReadFull(b.source, chunk); n == 0 {
			return
		}
		wanted := false
		for _, p := range b.pipes {
			_, err := p.w.Write(chunk[:n]) // fails only if the replica has returned
			wanted = wanted || err == nil
		}
		if !wanted {
			return
		}
	}
}

// section is a source that a replica reads on its own. It fails if the source no longer has its
// initial size, because the replica would store what is left of it.
type section struct {
	*body
	ctx context.Context
}

// ReadAt implements io.ReaderAt, up to the end that the source had. After a panic it fails in all
// replicas.
func (s section) ReadAt(p []byte, off int64) (n int, err error) {
	if err := flow.Err(s.ctx); err != nil {
		return 0, err
	}
	s.panicked.Do(func() { n, err = s.readAt(p, off) })
	if s.panicked.Caught() {
		return 0, ofBody(errPanicked)
	}
	return n, ofBody(err)
}

func (s section) readAt(p []byte, off int64) (n int, err error) {
	n, err = s.at.ReadAt(p, off)
	at, end := off+int64(n), s.from+s.size
	if err == nil && at == end {
		var more int
		more, err = s.at.ReadAt(make([]byte, 1), end)
		at += int64(more)
	}
	if err == io.EOF || at > end {
		if wrong := ltxio.CheckSize(s.size, at-s.from); wrong != nil {
			err = wrong
		}
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
