package throttle

import (
	"context"
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// reader is a download. Close may be called concurrently with Read, and ends it.
type reader struct {
	io.ReadCloser
	next   layer.Typed
	file   layer.File
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu   sync.Mutex
	down meter
	err  error // of every further Read
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.down.read(p, r.ReadCloser.Read)
	if waitErr := r.down.pass(r.ctx, n, err != nil); waitErr != nil {
		if context.Cause(r.ctx) == layer.ErrClosed {
			waitErr = layer.ErrClosed
		}
		r.err = layer.WrapFile(r.next, "read", r.file, waitErr)
		return 0, r.err
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.cancel(layer.ErrClosed)
	err := r.ReadCloser.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down.settle()
	return err
}
