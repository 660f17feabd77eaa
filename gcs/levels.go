package gcs

import (
	"context"
	"log/slog"

	"github.com/ltxstore/ltxstore/internal/levels"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

const opLevels = "list levels"

// LTXLevels implements ltxstore.LevelLister. It costs one request for each
// Config.PageSize names right below the folder that holds the levels; for a
// replica of ltxstore.LayoutLitestreamS3 at the bucket's root that is the bucket.
func (c *ReplicaClient) LTXLevels(ctx context.Context) ([]int, error) {
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: opLevels, Level: -1, Done: slog.LevelDebug})
	holders, elsewhere := r.keys.Holders()
	found, err := levels.Find(ctx, holders, elsewhere, r.below, r.keys.ParseLevel)
	if err != nil {
		err = wrap(opLevels, r.keys.Prefix(), err)
	}
	op.End(err)
	return found, err
}
