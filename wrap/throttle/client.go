// Package throttle limits the bytes and operations per second of one client, or of
// several together.
//
// A byte of a body counts once: when the next client reads it from the body, or when
// the caller reads it from a file. Parts that a backend buffers, and what it reads
// ahead, are transferred at full speed, and what it sends again does not count again: the
// network keeps to the limit on average. Bodies are read through Read alone, so that
// the kernel does not copy files.
//
// Package [github.com/ltxstore/ltxstore/wrap] stacks it with other wrappers.
package throttle

import (
	"cmp"
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client keeps the next client within the limits of a Limiter. New returns one. It is
// safe for concurrent use.
type Client struct {
	*base
	next    ltxstore.ReplicaClient
	limiter *Limiter
}

type base = layer.Base[struct{}]

// New returns a client that keeps next within the limits. If a field is invalid or next
// is nil, every method fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	limiter, wrong := cfg.limiter(layer.Next(next).Type())
	b := layer.NewBase(next, "", func(context.Context, ltxstore.ReplicaClient) (*struct{}, error) { return nil, wrong })
	return &Client{b, layer.Failing(b.Unwrap(), wrong), limiter}
}

// Limiter returns the client's limiter, which can change the limits.
func (c *Client) Limiter() *Limiter { return c.limiter }

// LTXFiles calls the next client, once the limit allows it.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := c.turn(ctx, "list", "", backend.CheckLevel(level)); err != nil {
		return nil, err
	}
	return c.next.LTXFiles(ctx, level, seek, useMetadata)
}

// DeleteLTXFiles calls the next client, once the limit allows it.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if len(files) > 0 { // else there is no request
		if err := c.turn(ctx, "delete", "", backend.CheckFiles(files)); err != nil {
			return err
		}
	}
	return c.next.DeleteLTXFiles(ctx, files)
}

// DeleteAll calls the next client, once the limit allows it.
func (c *Client) DeleteAll(ctx context.Context) error {
	if err := c.turn(ctx, "delete all", "", nil); err != nil {
		return err
	}
	return c.next.DeleteAll(ctx)
}

// turn waits until one more operation may begin. It fails at once with wrong, which is about the
// arguments.
func (c *Client) turn(ctx context.Context, op, key string, wrong error) error {
	err := cmp.Or(wrong, flow.Err(ctx))
	if err == nil {
		err = c.limiter.requests.take(ctx, 1)
	}
	return layer.Wrap(c.next, op, key, err)
}
