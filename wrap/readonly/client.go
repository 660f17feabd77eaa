// Package readonly rejects changes of a replica. It is for restores, inspection, and readers of a
// replica that another process writes. As the outermost wrapper of
// [github.com/ltxstore/ltxstore/wrap.Chain] it covers all others.
package readonly

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Config has no settings.
type Config struct{}

// Client reads the next client's replica and never changes it: WriteLTXFile, DeleteLTXFiles and
// DeleteAll fail with fs.ErrPermission, or with fs.ErrInvalid if their arguments are invalid. They
// send no request and do not read the body. Deleting an empty list succeeds. New returns a Client. It is
// safe for concurrent use.
type Client struct{ *client }

type client = layer.Client[replica, *replica]

// New returns a client that reads from next. If next is nil, every method fails with
// fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, _ Config) *Client {
	return &Client{layer.New(next, func(_ context.Context, next layer.Next) (*replica, error) {
		return &replica{next}, nil
	})}
}

type replica struct{ layer.Next }

var errReadOnly = fmt.Errorf("the replica is read-only to this client: %w", fs.ErrPermission)

// Write implements layer.Operations.
func (*replica) Write(context.Context, layer.File, io.Reader) (*ltx.FileInfo, error) {
	return nil, errReadOnly
}

// Delete implements layer.Operations.
func (*replica) Delete(_ context.Context, files []*ltx.FileInfo) error {
	if len(files) == 0 {
		return nil
	}
	return errReadOnly
}

// DeleteAll implements layer.Operations.
func (*replica) DeleteAll(context.Context) error { return errReadOnly }
