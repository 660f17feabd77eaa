package throttle

import (
	"context"
	"io"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// WriteLTXFile calls the next client. The body is read as fast as the limit allows.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	if err := c.turn(ctx, "write", f.String(), f.Check()); err != nil {
		return nil, err
	}
	up := &meter{bucket: &c.limiter.upload}
	var end bool
	defer up.settle()
	body := layer.Body(r, func(p []byte) (int, error) {
		n, err := up.read(p, r.Read)
		end = err != nil
		return n, err
	}, func(n int) error { return up.pass(ctx, n, end) })
	return c.next.WriteLTXFile(ctx, level, minTXID, maxTXID, body)
}

// OpenLTXFile calls the next client. The reader reads as fast as the limit allows.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	if err := c.turn(ctx, "open", f.String(), f.CheckRange(offset, size)); err != nil {
		return nil, err
	}
	rc, err := c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil {
		return nil, err
	}
	r := &reader{ReadCloser: rc, c: c, file: f, down: meter{bucket: &c.limiter.download}}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	return r, nil
}

// reader is a download. Close may be called concurrently with Read, and ends it.
type reader struct {
	io.ReadCloser
	c      *Client
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
		r.err = layer.WrapFile(r.c.next, "read", r.file, waitErr)
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
