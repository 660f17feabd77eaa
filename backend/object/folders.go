package object

import (
	"context"
	"log/slog"
	"path"
	"slices"
)

const opFolders = "list folders"

// Folders implements backend.FolderLister. It costs one request.
func (c *Client) Folders(ctx context.Context) ([]string, error) {
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opFolders, slog.LevelDebug)
	prefix := r.Keys.Prefix()
	page, err := r.below(prefix)(ctx)
	err = r.wrap(opFolders, prefix, err)
	op.End(err)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(page.Prefixes))
	for i, deeper := range page.Prefixes {
		names[i] = path.Base(deeper)
	}
	slices.Sort(names)
	return names, nil
}
