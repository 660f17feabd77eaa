package gcs

import (
	"context"
	"log/slog"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/deletion"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

const opDeleteAll = "delete all"

// DeleteAll implements ltxstore.ReplicaClient. It removes the LTX files of the
// client's layout. It costs one request for each Config.PageSize names right
// below the holder of the levels, one for each Config.PageSize files, at least
// one a level, and one for each file, Config.DeleteConcurrency at once. For a
// replica of ltxstore.LayoutLitestreamS3 at the bucket's root the holder is the
// bucket, of which nothing deeper is listed.
//
// Unfinished uploads cannot be listed; they are not visible, not billed, and
// forgotten by the service in a week. Those of a write that failed are ended
// by it.
//
// A few pages of keys are in memory. After 1000 failures it gives up.
func (c *ReplicaClient) DeleteAll(ctx context.Context) error {
	r, err := c.init(ctx)
	if err != nil {
		return err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: opDeleteAll, Level: -1, Done: slog.LevelInfo})
	err = r.deleteAll(ctx)
	op.End(err)
	return err
}

func (r *replica) deleteAll(ctx context.Context) error {
	holders, levels := r.keys.Holders()
	sweep := &deletion.Sweep{
		List: r.below,
		Own: func(key string) bool {
			_, _, _, ok := r.keys.Parse(key)
			return ok
		},
		IsLevel: func(prefix string) bool {
			_, ok := r.keys.ParseLevel(prefix)
			return ok
		},
		Delete:  func(ctx context.Context, keys []string) []error { return r.deleteKeys(ctx, opDeleteAll, keys) },
		Wrap:    func(prefix string, err error) error { return wrap(opDeleteAll, prefix, err) },
		Pending: max(r.cfg.DeleteConcurrency, r.cfg.PageSize),
	}
	return ltxstore.Partial(backend, opDeleteAll, sweep.Run(ctx, holders, levels), 0)
}

// below lists the names right below a prefix.
func (r *replica) below(prefix string) func(context.Context) (deletion.Page, error) {
	p := r.pager(prefix, "Name")
	return func(ctx context.Context) (page deletion.Page, err error) {
		objects, more, err := p.next(ctx)
		page.More = more
		for _, o := range objects {
			if o.Prefix != "" {
				page.Prefixes = append(page.Prefixes, o.Prefix)
			} else {
				page.Keys = append(page.Keys, o.Name)
			}
		}
		return page, err
	}
}
