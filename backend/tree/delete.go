package tree

import (
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const opDeleteAll = "delete all"

// DeleteLTXFiles implements ltxstore.ReplicaClient. It costs one Remove for each file,
// Options.DeleteConcurrency at a time. In a Tree, it also costs one Stat for each file,
// and on a Disk one Sync for each level. Anything other than a regular file is not
// deleted and counts as missing.
//
// If several files fail, the error is an *ltxstore.PartialError. After ctx has ended, all
// files that are left fail with its error.
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
	r, err := c.init(ctx, "delete")
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

// remove removes files, and returns an *ltxstore.Error for each failure.
func (r *replica) remove(ctx context.Context, op string, keys []string) (failed []error) {
	byDir := make(map[string][]string)
	for _, key := range keys {
		dir, _ := split(key)
		byDir[dir] = append(byDir[dir], key)
	}
	refused := func(at string, err error) {
		for _, key := range byDir[at] {
			failed = append(failed, r.wrap(op, key, flow.Ended(ctx, err)))
		}
	}
	if r.Disk == nil {
		behind := func(key string) bool {
			dir, _ := split(key)
			return byDir[dir] == nil
		}
		for _, at := range slices.Sorted(maps.Keys(byDir)) {
			if err := r.do(ctx, func(ctx context.Context) error { return r.notBehindLink(ctx, at) }); err != nil {
				refused(at, err)
				delete(byDir, at)
			}
		}
		return append(failed, r.removeIn(ctx, op, remote{r.Tree, ""}, "", slices.DeleteFunc(keys, behind))...)
	}
	for _, at := range slices.Sorted(maps.Keys(byDir)) {
		dir, err := r.openDir(ctx, at, Read)
		switch {
		case err == nil:
			failed = append(failed, r.removeIn(ctx, op, dir, at+"/", byDir[at])...)
			dir.Close()
		case !r.is(err, fs.ErrNotExist):
			refused(at, err)
		}
	}
	return failed
}

// removeIn removes files of a directory, whose path is the prefix of their keys, and makes
// that durable: after a power failure, files of an old replica must not reappear among
// those of a new one.
func (r *replica) removeIn(ctx context.Context, op string, dir Dir, prefix string, keys []string) []error {
	var removed atomic.Bool
	errs := make([]error, len(keys))
	flow.Each(len(keys), max(r.DeleteConcurrency, 1), func(i int) {
		err := r.do(ctx, func(ctx context.Context) error { return dir.Remove(ctx, keys[i][len(prefix):]) })
		switch {
		case err == nil:
			removed.Store(true)
		case !r.is(err, fs.ErrNotExist):
			errs[i] = r.wrap(op, keys[i], flow.Ended(ctx, err))
		}
	})
	failed := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if removed.Load() {
		if err := dir.Sync(ctx); err != nil {
			failed = append(failed, r.wrap(op, prefix, err))
		}
	}
	return failed
}

// DeleteAll implements ltxstore.ReplicaClient. It removes the LTX files of the client's
// layout, all temporary files in the same directories, and the directories that become
// empty, but not the root directory. The names of one level are in memory at a time. If
// several deletions fail, the error is an *ltxstore.PartialError, and everything else is
// deleted.
//
// It costs a List for each level and each directory of levels, and a Remove for
// each file.
func (c *Client) DeleteAll(ctx context.Context) error {
	r, err := c.init(ctx, opDeleteAll)
	if err != nil {
		return err
	}
	op := r.start(ctx, opDeleteAll, slog.LevelInfo)
	err = backend.Partial(r.Type, opDeleteAll, r.deleteAll(ctx), 0)
	op.End(err)
	return err
}

func (r *replica) deleteAll(ctx context.Context) (failed []error) {
	levels, failed := r.levels(ctx, opDeleteAll)
	var emptied []string
	for _, level := range levels {
		left := r.empty(ctx, level)
		failed = append(failed, left...)
		if len(left) == 0 {
			emptied = append(emptied, level)
		}
		if err := flow.Err(ctx); err != nil {
			return append(failed, r.wrap(opDeleteAll, level+"/", err))
		}
	}
	removed := make(map[string]bool) // directories from which a directory was removed
	remove := func(dir string) {
		done, err := r.removeDir(ctx, dir, removed[dir])
		if err != nil {
			failed = append(failed, r.wrap(opDeleteAll, dir+"/", flow.Ended(ctx, err)))
		}
		if done {
			above, _ := split(dir)
			removed[above], removed[""] = true, true
		}
	}
	for _, level := range emptied {
		remove(level)
	}
	holders, _ := r.Keys.Holders()
	for _, holder := range holders {
		if dir := dirOf(holder); dir != "" { // not the root
			remove(dir)
		}
	}
	if removed[""] {
		if err := r.syncDir(ctx, ""); err != nil {
			failed = append(failed, r.wrap(opDeleteAll, "", err))
		}
	}
	return failed
}

// removeDir removes a directory if it is empty, and reports whether it did. If it remains
// and has changed, that is made durable.
func (r *replica) removeDir(ctx context.Context, at string, changed bool) (removed bool, err error) {
	r.made.Delete(at)
	above, name := split(at)
	err = r.do(ctx, func(ctx context.Context) error {
		dir, err := r.openDir(ctx, above, Scan)
		if err != nil {
			return err
		}
		defer dir.Close()
		return dir.RemoveDir(ctx, name)
	})
	switch {
	case r.is(err, fs.ErrExist) && changed:
		return false, r.syncDir(ctx, at)
	case r.is(err, fs.ErrNotExist), r.is(err, fs.ErrExist):
		return false, nil
	}
	return err == nil, err
}

// syncDir makes removals from a directory durable, unless another client has removed the
// directory too.
func (r *replica) syncDir(ctx context.Context, at string) error {
	dir, err := r.openDir(ctx, at, Scan)
	switch {
	case r.is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	defer dir.Close()
	return dir.Sync(ctx)
}

// empty removes the files of a level.
func (r *replica) empty(ctx context.Context, level string) (failed []error) {
	var keys []string
	var dir Dir
	err := r.do(ctx, func(ctx context.Context) (err error) {
		keys = nil
		if err := r.notBehindLink(ctx, level); err != nil {
			return err
		}
		if dir, err = r.openDir(ctx, level, Scan); err != nil {
			return err
		}
		err = dir.List(ctx, func(e Entry) {
			_, _, ok := backend.ParseFilename(e.Name)
			if (e.Mode.IsRegular() || e.Mode == NameOnly) && (ok || backend.IsTempName(e.Name)) {
				keys = append(keys, level+"/"+e.Name)
			}
		})
		return err
	})
	if len(keys) > 0 {
		failed = r.removeIn(ctx, opDeleteAll, dir, level+"/", keys)
	}
	if err != nil && !r.is(err, fs.ErrNotExist) {
		failed = append(failed, r.wrap(opDeleteAll, level+"/", flow.Ended(ctx, err)))
	}
	if dir != nil {
		dir.Close()
	}
	return failed
}
