package s3

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/deletion"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// batchSize is how many keys DeleteObjects takes.
const batchSize = 1000

// DeleteLTXFiles implements ltxstore.ReplicaClient. It costs one DeleteObjects
// for each 1000 files, Config.DeleteConcurrency of them at once. Where the
// provider has none, or the first is answered with "not implemented", each
// file costs a DELETE of its own from then on. Files that the service failed
// to delete in a way that may pass are sent again, alone; one that the answer
// does not name costs a DELETE.
//
// More than one failure is an *ltxstore.PartialError. In a bucket with
// versioning the files are hidden, not freed: see the bucket's lifecycle rules.
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
	failed, keys := r.deleteBatches(ctx, op, keys)
	return append(failed, r.deleteSingly(ctx, op, keys)...)
}

// deleteBatches also returns the keys that it could not try, because the store
// has no DeleteObjects, and those of which the answer said nothing.
func (r *replica) deleteBatches(ctx context.Context, op string, keys []string) (failed []error, untried []string) {
	if r.provider.noBatchDelete || r.noBatch.Load() {
		return nil, keys
	}
	batches := slices.Collect(slices.Chunk(keys, batchSize))
	results := make([][]error, len(batches))
	refused, unsure := make([]bool, len(batches)), make([][]string, len(batches))
	bounded.Each(len(batches), r.cfg.DeleteConcurrency, func(i int) {
		if refused[i] = r.noBatch.Load(); refused[i] {
			return
		}
		b := &batch{r: r, op: op, left: batches[i]}
		err := b.delete(ctx)
		if refused[i] = err != nil && errors.Is(kindOf(err), errors.ErrUnsupported); refused[i] {
			if !r.noBatch.Swap(true) {
				r.log.Get().Warn("store has no DeleteObjects: deleting files one at a time", "replica", backend, "error", r.log.Secrets.Error(err))
			}
			return
		}
		results[i], unsure[i] = b.failures(ctx, err), b.unsure
	})
	for i, keys := range batches {
		if refused[i] {
			untried = append(untried, keys...)
		}
		untried = append(untried, unsure[i]...)
	}
	return slices.Concat(results...), untried
}

func (r *replica) deleteSingly(ctx context.Context, op string, keys []string) []error {
	return deletion.Each(ctx, keys, r.cfg.DeleteConcurrency, func(ctx context.Context, key string) error {
		in := &s3.DeleteObjectInput{Bucket: aws.String(r.cfg.Bucket), Key: aws.String(key)}
		_, err := r.api.DeleteObject(ctx, in)
		if isMissingKey(err) {
			return nil
		}
		return err
	}, func(key string, err error) error { return r.wrap(op, key, err) })
}
