package object

import (
	"context"
	"log/slog"
)

const opLevels = "list levels"

// LTXLevels implements ltxstore.LevelLister. It costs one request for each page of
// names directly below the directory of the levels, which for a replica with
// ltxstore.LayoutLitestreamS3 at the bucket's root is the bucket.
func (c *Client) LTXLevels(ctx context.Context) ([]int, error) {
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opLevels, slog.LevelDebug)
	holders, elsewhere := r.Keys.Holders()
	found, err := findLevels(ctx, holders, elsewhere, r.below, r.Keys.ParseLevel)
	err = r.wrap(opLevels, r.Keys.Prefix(), err)
	op.End(err)
	return found, err
}
