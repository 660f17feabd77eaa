package object

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

const opWatch = "watch"

// Watch returns the files of a level that are written from now on, by any client, each
// as soon as it can be read, so that a follower need not list the level repeatedly. It
// is for the method Watch of a client whose Bucket is a Watcher; for other clients, it
// fails with errors.ErrUnsupported.
//
// The sequence ends with the error of ctx, or when the caller stops. CreatedAt is the
// timestamp in the object's metadata, or else the time at which it was written. A file
// that is written twice may be returned twice, and one that is soon deleted may no longer
// exist. Use LTXFiles to list files that already exist.
func Watch(ctx context.Context, c *Client, level int) (iter.Seq2[*ltx.FileInfo, error], error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, c.refuse(opWatch, err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opWatch, slog.LevelDebug)
	var objects iter.Seq2[Object, error]
	w, ok := r.Bucket.(Watcher)
	if ok {
		err = r.do(ctx, func(ctx context.Context) (err error) {
			objects, err = w.Watch(ctx)
			return err
		})
	} else {
		err = fmt.Errorf("store does not report writes: %w", errors.ErrUnsupported)
	}
	prefix := r.Keys.LevelPrefix(level)
	err = r.wrap(opWatch, prefix, flow.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	return func(yield func(*ltx.FileInfo, error) bool) {
		for o, err := range objects {
			if err != nil {
				yield(nil, r.wrap(opWatch, prefix, flow.Ended(ctx, err)))
				return
			}
			at, minTXID, maxTXID, ok := r.Keys.Parse(o.Key)
			if !ok || at != level || o.Size <= 0 {
				continue
			}
			info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: o.Size, CreatedAt: o.Modified.UTC()}
			if at, ok := ltxio.MetadataTime(o.Metadata); ok {
				info.CreatedAt = at
			}
			if !yield(info, nil) {
				return
			}
		}
	}, nil
}
