package checksum

import (
	"context"
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Open implements layer.Operations.
func (p *replica) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	rc, err := p.Next.Open(ctx, f, offset, size)
	if err != nil || offset != 0 || size != 0 {
		return rc, err
	}
	return &reader{body: rc, next: p, file: f, checked: newChecked(rc, f, p.cfg.OtherBodies)}, nil
}

// reader reads a whole file. Close may be called concurrently with Read.
type reader struct {
	body io.ReadCloser
	next layer.Typed
	file layer.File

	mu      sync.Mutex
	checked *checked
	err     error // of every further Read
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.checked.Read(p)
	if err != nil {
		r.checked.Check.Stop()
		if err != io.EOF {
			err = layer.WrapFile(r.next, "read", r.file, err)
		}
		r.err = err
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	err := r.body.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked.Check.Stop()
	if r.err == nil || r.err == io.EOF {
		r.err = layer.WrapFile(r.next, "read", r.file, layer.ErrClosed)
	}
	return err
}
