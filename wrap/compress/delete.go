package compress

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// DeleteLTXFiles implements ltxstore.ReplicaClient: the next client's.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if err := backend.CheckFiles(files); err != nil {
		return codec.WrapCall(c.next, "delete", err)
	}
	s, err := c.init(ctx)
	if err != nil {
		return err
	}
	for _, info := range files {
		s.files.Drop(codec.FileOf(info))
	}
	return c.next.DeleteLTXFiles(ctx, files)
}

// DeleteAll implements ltxstore.ReplicaClient: the next client's.
func (c *Client) DeleteAll(ctx context.Context) error {
	s, err := c.init(ctx)
	if err != nil {
		return err
	}
	s.files.Clear()
	return c.next.DeleteAll(ctx)
}
