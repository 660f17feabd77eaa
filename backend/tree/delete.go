package tree

import (
	"context"
	"io/fs"
	"log/slog"
	"path"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const opDeleteAll = "delete all"

// DeleteLTXFiles implements ltxstore.ReplicaClient. It costs one Remove for
// each file, Store.DeleteConcurrency at once. What is not a regular file is not
// deleted, as if it were missing.
//
// More than one failure is an *ltxstore.PartialError. Once ctx has ended, that
// is the failure of every file that is left.
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
	keys := make([]string, len(files))
	for i, f := range files {
		keys[i] = r.Keys.File(f.Level, f.MinTXID, f.MaxTXID)
	}
	err = backend.Partial(r.Type, "delete", r.remove(ctx, "delete", keys), len(files))
	op.End(err, slog.Int("files", len(files)))
	return err
}

// remove removes files, and returns an *ltxstore.Error for each that it cannot.
func (r *replica) remove(ctx context.Context, op string, keys []string) []error {
	errs := make([]error, len(keys))
	flow.Each(len(keys), max(r.DeleteConcurrency, 1), func(i int) {
		err := r.do(ctx, func(ctx context.Context) error {
			if err := flow.Err(ctx); err != nil {
				return err
			}
			return r.Tree.Remove(ctx, keys[i])
		})
		if err != nil && !r.is(err, fs.ErrNotExist) {
			errs[i] = r.wrap(op, keys[i], flow.Ended(ctx, err))
		}
	})
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// DeleteAll implements ltxstore.ReplicaClient. It removes the LTX files of the
// client's layout, the temporaries beside them, of whatever age and writer, and
// the directories that this leaves empty, but not the root directory. The names
// of a level are kept in memory meanwhile. More than one failure is an
// *ltxstore.PartialError; everything else is deleted.
//
// It costs a List for each level and each directory of levels, and a Remove for
// each file.
func (c *Client) DeleteAll(ctx context.Context) error {
	r, err := c.init(ctx)
	if err != nil {
		return err
	}
	op := r.start(ctx, opDeleteAll, slog.LevelInfo)
	err = backend.Partial(r.Type, opDeleteAll, r.deleteAll(ctx), 0)
	op.End(err)
	return err
}

func (r *replica) deleteAll(ctx context.Context) (failed []error) {
	levels, err := r.levels(ctx)
	if err != nil {
		return []error{r.wrap(opDeleteAll, "", flow.Ended(ctx, err))}
	}
	dirs := levels
	holders, _ := r.Keys.Holders()
	for _, holder := range holders {
		if dir := dirOf(holder); dir != "" { // not the root
			dirs = append(dirs, dir)
		}
	}
	for i, dir := range dirs {
		if i < len(levels) {
			failed = append(failed, r.empty(ctx, dir)...)
		}
		if err := flow.Err(ctx); err != nil {
			return append(failed, r.wrap(opDeleteAll, dir+"/", err))
		}
		r.made.Delete(dir)
		err := r.do(ctx, func(ctx context.Context) error { return r.Tree.RemoveDir(ctx, dir) })
		if err != nil && !r.is(err, fs.ErrNotExist) && !r.is(err, fs.ErrExist) {
			failed = append(failed, r.wrap(opDeleteAll, dir+"/", flow.Ended(ctx, err)))
		}
	}
	return failed
}

// empty removes the files of a level.
func (r *replica) empty(ctx context.Context, dir string) (failed []error) {
	var keys []string
	err := r.do(ctx, func(ctx context.Context) error {
		keys = nil
		return r.Tree.List(ctx, dir, func(e Entry) {
			_, _, ok := backend.ParseFilename(e.Name)
			if e.Mode.IsRegular() && (ok || backend.IsTempName(e.Name)) {
				keys = append(keys, path.Join(dir, e.Name))
			}
		})
	})
	failed = r.remove(ctx, opDeleteAll, keys)
	if err != nil && !r.is(err, fs.ErrNotExist) {
		failed = append(failed, r.wrap(opDeleteAll, dir+"/", flow.Ended(ctx, err)))
	}
	return failed
}
