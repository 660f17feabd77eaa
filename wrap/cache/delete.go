package cache

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// DeleteLTXFiles calls the next client. If it fails, even for one file, the kept
// listings of the files' levels are dropped.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	s, err := layer.Begin(ctx, c.base, "delete", backend.CheckFiles(files))
	if err != nil {
		return err
	}
	for _, info := range files {
		s.begin(layer.FileOf(info))
	}
	done := false
	defer func() {
		for _, info := range files {
			s.end(layer.FileOf(info), nil, done)
		}
	}()
	err = c.next.DeleteLTXFiles(ctx, files)
	done = err == nil
	return err
}

// DeleteAll calls the next client. Everything kept is dropped before and after.
func (c *Client) DeleteAll(ctx context.Context) error {
	s, err := layer.Begin(ctx, c.base, "init", nil)
	if err != nil {
		return err
	}
	s.listings.forget()
	s.blocks.clear(1)
	defer func() {
		s.listings.forget()
		s.blocks.clear(-1)
	}()
	return c.next.DeleteAll(ctx)
}
