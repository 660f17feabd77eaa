// Package throttle limits the bytes and the operations of a second: of one
// client, or of several together.
//
// # What is counted
//
// A byte of a body counts once, when the next client takes it from the body, or
// the caller reads it. What a backend collects into a part or reads ahead goes over
// the wire as fast as that can; what it sends again does not count again. So the
// wire holds the limit on average. A body is read by its Read alone: a file is not
// copied by the kernel.
//
// # Optional abilities
//
// Client has Init, SetLogger and Close, which are the next client's. What else a
// client inside has is found by ltxstore.As.
package throttle

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client holds the next client to a Limiter. It is made by New and safe for
// concurrent use.
type Client struct {
	*base
	next    ltxstore.ReplicaClient
	limiter *Limiter
	wrong   error // with the Config
}

type base = layer.Base[struct{}]

// New returns a client that holds next to the limits. A bad field, and a next that
// is nil, are fs.ErrInvalid in every method.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	c := &Client{}
	c.base = layer.NewBase(next, "", func(context.Context, ltxstore.ReplicaClient) (*struct{}, error) { return nil, c.wrong })
	c.next = c.Unwrap()
	c.limiter, c.wrong = cfg.limiter(c.Type())
	return c
}

// Limiter returns the client's limiter, by which its limits are changed.
func (c *Client) Limiter() *Limiter { return c.limiter }

// LTXFiles is the next client's, when it is its turn.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := c.turn(ctx, "list", "", backend.CheckLevel(level)); err != nil {
		return nil, err
	}
	return c.next.LTXFiles(ctx, level, seek, useMetadata)
}

// DeleteLTXFiles is the next client's, when it is its turn.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if len(files) > 0 || c.wrong != nil { // else there is no request
		if err := c.turn(ctx, "delete", "", backend.CheckFiles(files)); err != nil {
			return err
		}
	}
	return c.next.DeleteLTXFiles(ctx, files)
}

// DeleteAll is the next client's, when it is its turn.
func (c *Client) DeleteAll(ctx context.Context) error {
	if err := c.turn(ctx, "delete all", "", nil); err != nil {
		return err
	}
	return c.next.DeleteAll(ctx)
}

// turn waits until one more operation may begin. What is wrong with the
// configuration or the arguments is told at once.
func (c *Client) turn(ctx context.Context, op, key string, wrong error) error {
	err := flow.Err(ctx)
	switch {
	case c.wrong != nil:
		return c.wrong
	case wrong != nil:
		err = wrong
	case err == nil:
		err = c.limiter.requests.take(ctx, 1)
	}
	return layer.Wrap(c.next, op, key, err)
}
