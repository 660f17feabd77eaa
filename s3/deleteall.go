package s3

import (
	"context"
	"log/slog"
	"slices"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// maxFailures is after how many failed deletions DeleteAll gives up: the list
// of them is in memory, and the rest fares no better.
const maxFailures = batchSize

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
// At most Config.DeleteConcurrency pages of keys are in memory. After 1000
// failures it gives up.
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
	var holders, levels []string
	switch prefix := r.keys.Prefix(); r.keys.Layout() {
	case ltxstore.LayoutLitestreamS3:
		holders = []string{prefix}
	case ltxstore.LayoutLitestream:
		holders = []string{prefix + "ltx/"}
	default:
		holders = []string{prefix + "ltx/"}
		levels = []string{r.keys.LevelPrefix(ltxstore.SnapshotLevel)}
	}

	// Uploads first: one that ends meanwhile then fails, or is listed.
	var failed []error
	prefixes := slices.Concat(holders, levels)
	if r.provider.uploadsByName {
		prefixes = []string{""}
	}
	for _, prefix := range prefixes {
		failed = append(failed, r.abortUploads(ctx, prefix)...)
	}
	sweep := &sweep{r: r}
	for _, holder := range holders {
		// A page's levels are emptied before the next page is asked for.
		sweep.walk(ctx, holder, func(prefix string) {
			if _, ok := r.keys.ParseLevel(prefix); ok {
				sweep.walk(ctx, prefix, nil)
			}
		})
	}
	for _, level := range levels {
		sweep.walk(ctx, level, nil)
	}
	sweep.flush(ctx)
	return ltxstore.Partial(backend, opDeleteAll, append(failed, sweep.failed...), 0)
}

// sweep deletes what it walks over.
type sweep struct {
	r       *replica
	pending []string // keys to delete
	failed  []error
}

// walk deletes the replica's files right below prefix, and calls each for
// every deeper prefix.
func (s *sweep) walk(ctx context.Context, prefix string, each func(prefix string)) {
	pager := s.r.pager(prefix)
	for more := true; more && len(s.failed) < maxFailures; {
		err := ctxio.Err(ctx)
		var page objects
		if err == nil {
			page, err = pager.next(ctx)
		}
		if err != nil {
			s.failed = append(s.failed, wrap(opDeleteAll, prefix, ended(ctx, err)))
			return
		}
		for _, object := range page.objects {
			if _, _, _, ok := s.r.keys.Parse(*object.Key); ok {
				s.pending = append(s.pending, *object.Key)
			}
		}
		if len(s.pending) >= s.r.cfg.DeleteConcurrency*batchSize {
			s.flush(ctx)
		}
		for _, deeper := range page.prefixes {
			if each != nil {
				each(deeper)
			}
		}
		more = page.more
	}
}

// flush deletes what is pending.
func (s *sweep) flush(ctx context.Context) {
	s.failed = append(s.failed, s.r.deleteKeys(ctx, opDeleteAll, s.pending)...)
	s.pending = s.pending[:0]
}
