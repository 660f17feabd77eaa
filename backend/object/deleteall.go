package object

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const opDeleteAll = "delete all"

// DeleteAll implements ltxstore.ReplicaClient. It deletes the LTX files of the
// client's layout and aborts this replica's unfinished uploads, including those of
// other writers. In addition to DeleteLTXFiles, it costs one request for each page of
// unfinished uploads below the replica's prefix (of the whole bucket if the store
// cannot list fewer) and one for each that is aborted; one for each page of names
// directly below the directory of the levels; and one for each page of files, at least
// one per level. For a replica with ltxstore.LayoutLitestreamS3 at the bucket's root,
// that directory is the bucket, and nothing deeper is listed.
//
// Files are deleted while others are listed. The keys of at most
// Store.DeleteConcurrency+1 requests and one page are in memory. After 1000 failures,
// DeleteAll gives up.
func (c *Client) DeleteAll(ctx context.Context) error {
	r, err := c.init(ctx)
	if err != nil {
		return err
	}
	op := r.start(ctx, opDeleteAll, slog.LevelInfo)
	err = r.deleteAll(ctx)
	op.End(err)
	return err
}

func (r *replica) deleteAll(ctx context.Context) error {
	holders, levels := r.Keys.Holders()
	// Uploads come first: one that ends in the meantime then fails, or is listed.
	failed := append(r.abortUploads(ctx, slices.Concat(holders, levels)), r.discard(ctx)...)
	var singly sync.Mutex
	sweep := &sweep{
		List: r.below,
		Own: func(key string) bool {
			_, _, _, ok := r.Keys.Parse(key)
			return ok
		},
		IsLevel: func(prefix string) bool {
			_, ok := r.Keys.ParseLevel(prefix)
			return ok
		},
		Delete: func(ctx context.Context, keys []string) []error {
			failed, left := r.deleteBatches(ctx, opDeleteAll, keys)
			if len(left) > 0 { // all of them together, DeleteConcurrency at a time
				singly.Lock()
				defer singly.Unlock()
				failed = append(failed, r.deleteSingly(ctx, opDeleteAll, left)...)
			}
			return failed
		},
		Limit:   1,
		Wrap:    func(prefix string, err error) error { return r.wrap(opDeleteAll, prefix, err) },
		Pending: max(r.DeleteConcurrency, cmp.Or(r.PageSize, 1000)),
	}
	if r.Traits.DeleteBatch > 1 {
		sweep.Limit, sweep.Pending = r.DeleteConcurrency, r.Traits.DeleteBatch
	}
	return backend.Partial(r.Type, opDeleteAll, append(failed, sweep.Run(ctx, holders, levels)...), 0)
}

// below lists the names directly below a prefix.
func (r *replica) below(prefix string) func(context.Context) (namesPage, error) {
	p := &pager{replica: r, opts: ListOptions{Prefix: prefix, Limit: r.PageSize}}
	return func(ctx context.Context) (namesPage, error) {
		page, err := p.next(ctx)
		found := namesPage{Prefixes: page.Prefixes, More: page.Next != ""}
		for _, o := range page.Objects {
			found.Keys = append(found.Keys, o.Key)
		}
		return found, err
	}
}

// abortUploads aborts this replica's unfinished uploads below the prefixes and
// returns an *ltxstore.Error for each failure.
func (r *replica) abortUploads(ctx context.Context, prefixes []string) (failed []error) {
	m, ok := r.Bucket.(Multipart)
	if !ok {
		return nil
	}
	if r.Traits.UploadsUnfiltered {
		prefixes = []string{""}
	}
	for _, prefix := range prefixes {
		failed = append(failed, r.abortBelow(ctx, m, prefix)...)
	}
	return failed
}

// leftoverAge is how old a leftover must be to count as that of a killed writer.
const leftoverAge = time.Hour

// discard removes leftovers of this replica's files by killed writers, if the Bucket is
// a Sweeper.
func (r *replica) discard(ctx context.Context) []error {
	s, ok := r.Bucket.(Sweeper)
	if !ok {
		return nil
	}
	var left []Leftover
	err := r.do(ctx, func(ctx context.Context) (err error) {
		left, err = s.Leftovers(ctx)
		return err
	})
	if err != nil {
		return []error{r.wrap(opDeleteAll, r.Keys.Prefix(), flow.Ended(ctx, err))}
	}
	var dead []Upload
	for _, l := range left {
		if time.Since(l.Since) >= leftoverAge {
			dead = append(dead, l.Upload)
		}
	}
	return r.abortOwn(ctx, s.Discard, dead)
}

func (r *replica) abortBelow(ctx context.Context, m Multipart, prefix string) (failed []error) {
	var pages flow.Pages
	for token, more := "", true; more && len(failed) < maxFailures; {
		var uploads []Upload
		err := r.do(ctx, func(ctx context.Context) (err error) {
			uploads, token, err = m.ListUploads(ctx, prefix, token)
			return err
		})
		if r.is(err, errors.ErrUnsupported) {
			return failed // a store without uploads in parts has none
		}
		if more = token != ""; more && err == nil {
			ids := make([]string, len(uploads))
			for i, u := range uploads {
				ids[i] = u.Key + "\x00" + u.ID
			}
			err = pages.Add(token, ids)
		}
		if err != nil {
			return append(failed, r.wrap(opDeleteAll, prefix, flow.Ended(ctx, err)))
		}
		failed = append(failed, r.abortOwn(ctx, m.AbortUpload, uploads)...)
	}
	return failed
}

// abortOwn aborts the uploads of this replica's files.
func (r *replica) abortOwn(ctx context.Context, abort func(context.Context, Upload) error, uploads []Upload) []error {
	own := slices.DeleteFunc(uploads, func(u Upload) bool {
		_, _, _, ok := r.Keys.Parse(u.Key)
		return !ok || u.ID == ""
	})
	results := make([]error, len(own))
	flow.Each(len(own), r.DeleteConcurrency, func(i int) {
		err := r.do(ctx, func(ctx context.Context) error { return abort(ctx, own[i]) })
		if err != nil && !r.is(err, ErrNoUpload) {
			results[i] = r.wrap(opDeleteAll, own[i].Key, flow.Ended(ctx, err))
		}
	})
	return slices.DeleteFunc(results, func(err error) bool { return err == nil })
}
