// Package readonly refuses to change a replica. It is for restores, for
// inspection, and for readers of a replica that another process writes to.
// Package [github.com/ltxstore/ltxstore/wrap] stacks it with other wrappers.
package readonly

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Config has no settings.
type Config struct{}

// Client reads the next client's replica and never changes it. New returns one. It
// is safe for concurrent use.
type Client struct {
	*base
	next ltxstore.ReplicaClient
}

type base = layer.Base[struct{}]

// New returns a client that reads from next. If next is nil, every method fails with
// fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, _ Config) *Client {
	b := layer.NewBase[struct{}](next, "", nil)
	return &Client{b, b.Unwrap()}
}

// LTXFiles calls the next client.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	return c.next.LTXFiles(ctx, level, seek, useMetadata)
}

// OpenLTXFile calls the next client.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	return c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
}

// WriteLTXFile fails with fs.ErrPermission, or fs.ErrInvalid if the arguments are
// invalid. It does not read the body and sends no request.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, _ io.Reader) (*ltx.FileInfo, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	return nil, c.refuse(ctx, "write", f.String(), f.Check())
}

// DeleteLTXFiles fails with fs.ErrPermission, or fs.ErrInvalid if the list is
// invalid. It sends no request. An empty list succeeds.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if len(files) == 0 && ctx.Err() == nil {
		return nil
	}
	return c.refuse(ctx, "delete", "", backend.CheckFiles(files))
}

// DeleteAll fails with fs.ErrPermission. It sends no request.
func (c *Client) DeleteAll(ctx context.Context) error { return c.refuse(ctx, "delete all", "", nil) }

var errReadOnly = fmt.Errorf("the replica is read-only to this client: %w", fs.ErrPermission)

// refuse returns the first of: wrong, which is about the arguments, the context's error,
// that of a missing client, and errReadOnly.
func (c *Client) refuse(ctx context.Context, op, key string, wrong error) error {
	err := cmp.Or(wrong, flow.Err(ctx), layer.Failed(c.next), errReadOnly)
	return layer.Wrap(c.next, op, key, err)
}
