package s3

import (
	"context"
	"log/slog"

	"github.com/ltxstore/ltxstore/internal/deletion"
	"github.com/ltxstore/ltxstore/internal/levels"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

const opLevels = "list levels"

// LTXLevels implements ltxstore.LevelLister. It costs one LIST for each 1000
// names right below the folder that holds the levels; for a replica of
// ltxstore.LayoutLitestreamS3 at the bucket's root that is the bucket.
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

// below lists the names right below a prefix.
func (r *replica) below(prefix string) func(context.Context) (deletion.Page, error) {
	pager := r.pager(prefix)
	return func(ctx context.Context) (deletion.Page, error) {
		page, err := pager.next(ctx)
		return deletion.Page{Keys: page.keys(), Prefixes: page.prefixes, More: page.more}, err
	}
}
