package object

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// DeleteLTXFiles implements ltxstore.ReplicaClient. It costs one request for each
// Traits.DeleteBatch files, and sends Store.DeleteConcurrency of them at a time. If
// the store turns out not to support batches, each file costs one request from then
// on. Files that fail temporarily are repeated without the others, and each file that
// is missing in the response costs one more request.
//
// If several files fail, the error is an *ltxstore.PartialError. In a bucket with
// versioning or soft deletion, files are hidden and not freed.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if err := flow.Err(ctx); err != nil {
		return c.refuse("delete", err)
	}
	if err := backend.CheckFiles(files); err != nil {
		return c.refuse("delete", err)
	}
	if len(files) == 0 {
		return nil
	}
	r, err := c.init(ctx)
	if err != nil {
		return err
	}
	op := r.start(ctx, "delete", slog.LevelInfo)
	keys := make([]string, 0, len(files))
	for _, info := range files {
		keys = append(keys, r.Keys.File(info.Level, info.MinTXID, info.MaxTXID))
	}
	err = backend.Partial(r.Type, "delete", r.deleteKeys(ctx, "delete", keys), len(files))
	op.End(err, slog.Int("files", len(files)))
	return err
}

// deleteKeys deletes keys and returns an *ltxstore.Error for each that remains.
func (r *replica) deleteKeys(ctx context.Context, op string, keys []string) []error {
	failed, keys := r.deleteBatches(ctx, op, keys)
	return append(failed, r.deleteSingly(ctx, op, keys)...)
}

// deleteBatches also returns the keys that it could not try because the store does
// not support batches, and those missing in the responses.
func (r *replica) deleteBatches(ctx context.Context, op string, keys []string) (failed []error, untried []string) {
	batcher, ok := r.Bucket.(Batcher)
	if !ok || r.Traits.DeleteBatch <= 1 || r.noBatch.Load() {
		return nil, keys
	}
	batches := slices.Collect(slices.Chunk(keys, r.Traits.DeleteBatch))
	results := make([]batch, len(batches))
	flow.Each(len(batches), r.DeleteConcurrency, func(i int) {
		b := batch{replica: r, batcher: batcher, op: op, left: batches[i]}
		if r.noBatch.Load() {
			b.unsure, b.left = b.left, nil
		} else {
			b.delete(ctx)
		}
		results[i] = b
	})
	for _, b := range results {
		failed = append(failed, b.failed...)
		untried = append(untried, b.unsure...)
	}
	return failed, untried
}

func (r *replica) deleteSingly(ctx context.Context, op string, keys []string) []error {
	results := make([]error, len(keys))
	flow.Each(len(keys), r.DeleteConcurrency, func(i int) {
		err := flow.Err(ctx)
		if err == nil {
			err = r.do(ctx, func(ctx context.Context) error { return r.deleteOne(ctx, keys[i]) })
		}
		results[i] = r.wrap(op, keys[i], flow.Ended(ctx, err))
	})
	return slices.DeleteFunc(results, func(err error) bool { return err == nil })
}

func (r *replica) deleteOne(ctx context.Context, key string) error {
	err := r.Bucket.Delete(ctx, key)
	if r.is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// batch is the keys to delete with one request.
type batch struct {
	*replica
	batcher Batcher
	op      string
	left    []string // not deleted, and not failed permanently
	unsure  []string // not tried, or missing in the response
	failed  []error  // permanently
}

// delete deletes the keys, and repeats those that failed temporarily until none is
// left or the policy gives up.
func (b *batch) delete(ctx context.Context) {
	var whole error           // the failure of a whole request
	why := map[string]error{} // the last errors of the keys that are left
	err := b.policy.Do(ctx, func(ctx context.Context) error {
		var results map[string]error
		whole = b.do(ctx, func(ctx context.Context) (err error) {
			results, err = b.batcher.DeleteBatch(ctx, b.left)
			return err
		})
		if whole != nil {
			return nil // a repeated key: once is enough
		}
		return b.sort(results, why)
	})
	if whole != nil {
		err = whole
		if b.is(whole, errors.ErrUnsupported) {
			if !b.noBatch.Swap(true) {
				b.log.Get().Warn("store does not support deletions in batches: deleting files one at a time", "replica", b.Type, "error", b.describe(whole))
			}
			b.unsure, b.left = append(b.unsure, b.left...), nil
		}
	}
	for _, key := range b.left {
		cause := why[key]
		if cause == nil || whole != nil {
			cause = err
		}
		b.failed = append(b.failed, b.wrap(b.op, key, flow.Ended(ctx, cause)))
	}
}

// sort sorts the keys by their results. It returns one of the temporary errors, or nil
// if there is none.
func (b *batch) sort(results, why map[string]error) (again error) {
	left := b.left[:0:0]
	for _, key := range b.left {
		switch err, mentioned := results[key]; {
		case !mentioned:
			b.unsure = append(b.unsure, key)
		case err == nil, b.is(err, fs.ErrNotExist):
		case b.retryable(err):
			left, again, why[key] = append(left, key), b.after(err), err
		default:
			b.failed = append(b.failed, b.wrap(b.op, key, err))
		}
	}
	b.left = left
	return again
}
