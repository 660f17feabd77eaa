// Package readonly refuses to change a replica: for restores, for inspection,
// and for a second reader beside the one writer.
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

// Client reads the next client's replica and never changes it. It is made by New
// and safe for concurrent use.
type Client struct {
	*base
	next ltxstore.ReplicaClient
}

type base = layer.Base[struct{}]

// New returns a client that reads from next. A next that is nil is fs.ErrInvalid
// in every method.
func New(next ltxstore.ReplicaClient, _ Config) *Client {
	b := layer.NewBase[struct{}](next, "", nil)
	return &Client{b, b.Unwrap()}
}

// LTXFiles is the next client's.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	return c.next.LTXFiles(ctx, level, seek, useMetadata)
}

// OpenLTXFile is the next client's.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	return c.next.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
}

// WriteLTXFile is fs.ErrPermission, or what is wrong with the arguments. The
// reader is not read, and no request is sent.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, _ io.Reader) (*ltx.FileInfo, error) {
	return nil, c.refuse(ctx, "write", layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}.String(), backend.CheckFile(level, minTXID, maxTXID))
}

// DeleteLTXFiles is fs.ErrPermission, or what is wrong with the list; no request
// is sent. A list of nothing is success.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if len(files) == 0 && ctx.Err() == nil {
		return nil
	}
	return c.refuse(ctx, "delete", "", backend.CheckFiles(files))
}

// DeleteAll is fs.ErrPermission; no request is sent.
func (c *Client) DeleteAll(ctx context.Context) error { return c.refuse(ctx, "delete all", "", nil) }

var errReadOnly = fmt.Errorf("the replica is read-only to this client: %w", fs.ErrPermission)

// refuse tells why nothing is done: the arguments, the context, the client that is not
// there, or else that nothing may be.
func (c *Client) refuse(ctx context.Context, op, key string, wrong error) error {
	err := cmp.Or(wrong, flow.Err(ctx), layer.Absent(c.next, op), errReadOnly)
	return layer.Wrap(c.next, op, key, err)
}
