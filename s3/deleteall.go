package s3

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/deletion"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// DeleteAll implements ltxstore.ReplicaClient. It removes the LTX files of the
// client's layout and aborts this replica's unfinished multipart uploads, those
// of other writers included. Beside what DeleteLTXFiles costs that is one
// ListMultipartUploads for each 1000 uploads below the replica's prefix and one
// request for each that is aborted; one LIST for each 1000 names right below
// the holder of the levels; and one for each 1000 files, at least one a level.
// For a replica of LayoutLitestreamS3 at the bucket's root the holder is the
// bucket, of which nothing deeper is listed.
//
// Of a provider that lists no uploads by prefix, as MinIO and any that is
// unknown, those of the whole bucket are listed.
//
// Files are deleted while others are listed. At most Config.DeleteConcurrency
// requests' keys, those of one more, and a page of them are in memory. After
// 1000 failures it gives up.
func (c *ReplicaClient) DeleteAll(ctx context.Context) error {
	r, err := c.init(ctx)
	if err != nil {
		return err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: "delete all", Level: -1, Done: slog.LevelInfo})
	err = r.deleteAll(ctx)
	op.End(err)
	return err
}

const opDeleteAll = "delete all"

func (r *replica) deleteAll(ctx context.Context) error {
	holders, levels := r.keys.Holders()

	// Uploads first: one that ends meanwhile then fails, or is listed.
	var failed []error
	prefixes := slices.Concat(holders, levels)
	if r.provider.uploadsByName {
		prefixes = []string{""}
	}
	for _, prefix := range prefixes {
		failed = append(failed, r.abortUploads(ctx, prefix)...)
	}
	var singly sync.Mutex
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
		Delete: func(ctx context.Context, keys []string) []error {
			failed, left := r.deleteBatches(ctx, opDeleteAll, keys)
			if len(left) > 0 { // DeleteConcurrency at once, for all of these together
				singly.Lock()
				defer singly.Unlock()
				failed = append(failed, r.deleteSingly(ctx, opDeleteAll, left)...)
			}
			return failed
		},
		Limit:   r.cfg.DeleteConcurrency,
		Wrap:    func(prefix string, err error) error { return r.wrap(opDeleteAll, prefix, err) },
		Pending: batchSize,
	}
	return ltxstore.Partial(backend, opDeleteAll, append(failed, sweep.Run(ctx, holders, levels)...), 0)
}
