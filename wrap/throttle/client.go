// Package throttle limits the bytes and operations per second of one client, or of
// several together.
//
// A byte counts when the next client reads it from a body for the first time, or when the caller
// reads it from a file. A backend sends what it has buffered, and reads ahead, at full speed, so
// the network keeps to the limit on average. Bodies are read through Read alone, so the kernel does
// not copy files.
//
// A backend's retries and parts do not count; [github.com/ltxstore/ltxstore/wrap/retry] around
// this wrapper repeats operations within the limits.
package throttle

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client keeps the next client within the limits of a Limiter: an operation waits until the limits
// allow it, and so does each part of its body. New returns a Client. It is safe for concurrent use.
type Client struct {
	*client
	limiter *Limiter
}

type client = layer.Client[replica, *replica]

// replica has the layer.Operations of a Client.
type replica struct {
	layer.Next
	*Limiter
}

// New returns a client that keeps next within the limits. If a field is invalid or next
// is nil, every method fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	limiter := cfg.limiter()
	return &Client{layer.New(next, func(_ context.Context, next layer.Next) (*replica, error) {
		return &replica{next, limiter}, cfg.check(next.Type())
	}), limiter}
}

// Limiter returns the client's limiter, which can change the limits.
func (c *Client) Limiter() *Limiter { return c.limiter }

// List implements layer.Operations.
func (p *replica) List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := p.requests.take(ctx, 1); err != nil {
		return nil, err
	}
	return p.Next.List(ctx, level, seek, useMetadata)
}

// Open implements layer.Operations.
func (p *replica) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	if err := p.requests.take(ctx, 1); err != nil {
		return nil, err
	}
	rc, err := p.Next.Open(ctx, f, offset, size)
	if err != nil {
		return nil, err
	}
	r := &reader{ReadCloser: rc, next: p, file: f, down: meter{bucket: &p.download}}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	return r, nil
}

// Write implements layer.Operations.
func (p *replica) Write(ctx context.Context, f layer.File, r io.Reader) (*ltx.FileInfo, error) {
	if err := p.requests.take(ctx, 1); err != nil {
		return nil, err
	}
	up := &meter{bucket: &p.upload}
	defer up.settle()
	return p.Next.Write(ctx, f, newBody(ctx, r, up))
}

// Delete implements layer.Operations.
func (p *replica) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	if len(files) == 0 { // there is no request
		return p.Next.Delete(ctx, files)
	}
	if err := p.requests.take(ctx, 1); err != nil {
		return err
	}
	return p.Next.Delete(ctx, files)
}

// DeleteAll implements layer.Operations.
func (p *replica) DeleteAll(ctx context.Context) error {
	if err := p.requests.take(ctx, 1); err != nil {
		return err
	}
	return p.Next.DeleteAll(ctx)
}
