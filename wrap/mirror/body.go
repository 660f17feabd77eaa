package mirror

import (
	"bytes"
	"context"
	"io"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// chunkSize is how much of a source is sent to all replicas at once. A body of less is kept in
// memory.
const chunkSize = 64 << 10

// body is a caller's reader on its way to several replicas.
type body struct {
	size int64 // or -1

	// A source that is read in place, and a small one, is read by each replica on its own.
	at io.ReaderAt

	// Any other is read once, and sent to all replicas.
	source io.Reader
	pipes  []pipe
	err    error // of the source
}

// pipe leads from the source to a replica.
type pipe struct {
	r *io.PipeReader
	w *io.PipeWriter
}

// newBody returns the body of r for n replicas. An r that replicas read on their own is
// left at its end.
func newBody(ctx context.Context, r io.Reader, n int) (b *body, err error) {
	b = &body{}
	if b.size, err = ltxio.Size(r); err != nil {
		return nil, err
	}
	section, err := ltxio.NewSection(r, b.size)
	if err != nil {
		return nil, err
	}
	if section != nil {
		b.at = section
		return b, section.Skip()
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
		return io.NewSectionReader(inContext{b.at, ctx}, 0, b.size), func() {}
	}
	p := b.pipes[n]
	stop := context.AfterFunc(ctx, func() { p.w.CloseWithError(flow.Err(ctx)) })
	return layer.Sized(struct{ io.Reader }{p.r}, b.size), func() {
		stop()
		p.r.Close()
	}
}

// send calls write, which makes all replicas read the body. It returns the failure of a source
// that is read once for all.
func (b *body) send(write func()) error {
	if b.at != nil {
		write()
		return nil
	}
	flow.Each(2, 2, func(i int) {
		if i == 0 {
			b.pump()
			return
		}
		defer func() {
			for _, p := range b.pipes {
				p.r.Close()
			}
		}()
		write()
	})
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// pump reads the source until it ends or every replica has returned.
func (b *body) pump() {
	defer func() {
		for _, p := range b.pipes {
			p.w.CloseWithError(ofBody(b.err))
		}
	}()
	chunk := make([]byte, chunkSize)
	for wanted := true; wanted && b.err == nil; {
		b.err = errPanicked // unless the source returns
		n, err := ltxio.ReadFull(b.source, chunk)
		if b.err = err; n == 0 {
			return
		}
		wanted = false
		for _, p := range b.pipes {
			_, err := p.w.Write(chunk[:n]) // fails only if the replica has returned
			wanted = wanted || err == nil
		}
	}
}

// inContext fails when ctx is done.
type inContext struct {
	io.ReaderAt
	ctx context.Context
}

// ReadAt implements io.ReaderAt.
func (b inContext) ReadAt(p []byte, off int64) (int, error) {
	if err := flow.Err(b.ctx); err != nil {
		return 0, err
	}
	n, err := b.ReaderAt.ReadAt(p, off)
	return n, ofBody(err)
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
