package gcs

import (
	"context"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/deletion"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// DeleteLTXFiles implements ltxstore.ReplicaClient. It costs one request a
// file, Config.DeleteConcurrency of them at once: the service has none for
// several files. A request is repeated where that may help: a file that is
// gone by then is what was asked for.
//
// More than one failure is an *ltxstore.PartialError. In a bucket with
// versioning or soft deletion the files are hidden, not freed.
func (c *ReplicaClient) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if err := ctxio.Err(ctx); err != nil {
		return wrap("delete", "", err)
	}
	if err := ltxstore.CheckFiles(files); err != nil || len(files) == 0 {
		return wrap("delete", "", err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: "delete", Level: -1, Done: slog.LevelInfo})
	err = r.deleteFiles(ctx, files)
	op.End(err, slog.Int("files", len(files)))
	return err
}

func (r *replica) deleteFiles(ctx context.Context, files []*ltx.FileInfo) error {
	keys := make([]string, 0, len(files))
	for _, info := range files {
		keys = append(keys, r.keys.File(info.Level, info.MinTXID, info.MaxTXID))
	}
	return ltxstore.Partial(backend, "delete", r.deleteKeys(ctx, "delete", keys), len(files))
}

// deleteKeys returns an *ltxstore.Error for each key that is still there.
func (r *replica) deleteKeys(ctx context.Context, op string, keys []string) []error {
	return deletion.Each(ctx, keys, r.cfg.DeleteConcurrency, func(ctx context.Context, key string) error {
		// Without the customer's key: the content does not matter.
		err := r.bucket.Object(key).Delete(ctx)
		if err != nil && isGone(err) {
			return nil
		}
		return err
	}, func(key string, err error) error { return wrap(op, key, err) })
}
