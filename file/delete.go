package file

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// DeleteLTXFiles implements ltxstore.ReplicaClient. It costs one fsync for
// each level in files. What is no regular file is not deleted, as if it were
// missing.
//
// More than one failure is an *ltxstore.PartialError. Once ctx has ended, that
// is the failure of every file that is left.
func (c *ReplicaClient) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	if err := flow.Err(ctx); err != nil {
		return wrap("delete", "", err)
	}
	if err := backend.CheckFiles(files); err != nil || len(files) == 0 {
		return wrap("delete", "", err)
	}
	rep, err := c.init(ctx, "delete")
	if err != nil {
		return err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: "delete", Level: -1, Done: slog.LevelInfo})
	err = rep.deleteFiles(ctx, files)
	op.End(err, slog.Int("files", len(files)))
	return err
}

func (r *replica) deleteFiles(ctx context.Context, files []*ltx.FileInfo) error {
	byLevel := make(map[int][]string)
	for _, info := range files {
		byLevel[info.Level] = append(byLevel[info.Level], r.keys.File(info.Level, info.MinTXID, info.MaxTXID))
	}
	var failed []error
	for _, level := range slices.Sorted(maps.Keys(byLevel)) {
		failed = append(failed, r.deleteInLevel(ctx, level, byLevel[level])...)
	}
	return backend.Partial(typeName, "delete", failed, len(files))
}

func (r *replica) deleteInLevel(ctx context.Context, level int, keys []string) (failed []error) {
	dir, err := r.dirs.acquire(level)
	if isGone(err) {
		return nil
	}
	if err != nil {
		for _, key := range keys {
			failed = append(failed, wrap("delete", key, err))
		}
		return failed
	}
	defer r.dirs.release(dir)
	return r.removeAll(ctx, "delete", dir, keys)
}

// removeAll removes the regular files of these keys from their directory, and
// makes that durable: an old replica's files must not be among a new one's
// after a power failure.
func (r *replica) removeAll(ctx context.Context, op string, dir *levelDir, keys []string) (failed []error) {
	removed := false
	for _, key := range keys {
		err := flow.Err(ctx)
		if err == nil {
			var done bool
			done, err = r.removeFile(dir.root, path.Base(key))
			removed = removed || done
		}
		if err != nil {
			failed = append(failed, wrap(op, key, err))
		}
	}
	if removed {
		if err := syncTolerant(r.fsys, dir.file); err != nil {
			failed = append(failed, wrap(op, path.Dir(keys[0])+"/", err))
		}
	}
	return failed
}

// removeFile looks before it removes, because os.Root.Remove would remove an
// empty directory too.
func (r *replica) removeFile(dir *os.Root, name string) (removed bool, err error) {
	info, err := r.fsys.lstat(dir, name)
	switch {
	case isGone(err):
		return false, nil
	case err != nil:
		return false, bare("stat", err)
	case !info.Mode().IsRegular():
		return false, nil
	}
	if err := r.fsys.remove(dir, name); err != nil && !isGone(err) {
		return false, bare("remove", err)
	}
	return true, nil
}

// DeleteAll implements ltxstore.ReplicaClient. It removes the LTX files of the
// client's layout, the temporaries beside them, of whatever age and writer,
// and the directories that this leaves empty, but not the root directory. The
// names of a level are kept in memory meanwhile.
//
// What it cannot look at or remove, for lack of a right for one, is an error that
// names the file or directory; everything else is deleted. More than one is an
// *ltxstore.PartialError.
//
// A write that another client has under way at that moment either fails or
// makes its directory again.
func (c *ReplicaClient) DeleteAll(ctx context.Context) error {
	rep, err := c.init(ctx, "delete all")
	if err != nil {
		return err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: typeName, Name: "delete all", Level: -1, Done: slog.LevelInfo})
	err = rep.deleteAll(ctx)
	op.End(err)
	return err
}

func (r *replica) deleteAll(ctx context.Context) error {
	const op = "delete all"
	root, err := r.dirs.openRoot()
	if isGone(err) {
		return nil
	}
	if err != nil {
		return wrap(op, "", err)
	}
	defer root.Close()
	r.dirs.dropAll()

	// Holders come after what they hold, and the root, which stays, is last.
	levels, failed := r.levels(ctx, root, op)
	for _, level := range levels {
		failed = append(failed, r.emptyLevel(ctx, root, level)...)
		if err := flow.Err(ctx); err != nil {
			return backend.Partial(typeName, op, append(failed, wrap(op, level+"/", err)), 0)
		}
	}
	if r.keys.Layout() != ltxstore.LayoutLitestreamS3 { // which has its levels in the root
		levels = append(levels, ltxDir)
	}
	removed := false
	for _, name := range levels {
		done, err := r.removeDir(root, name)
		if err == nil && !done && name == ltxDir && removed { // other levels stay in it
			err = r.dirs.syncHolder(root, name)
		}
		if err != nil && !isGone(err) {
			failed = append(failed, wrap(op, name+"/", err))
		}
		removed = removed || done
	}
	if removed {
		if err := r.dirs.syncHolder(root, "."); err != nil {
			failed = append(failed, wrap(op, "", err))
		}
	}
	return backend.Partial(typeName, op, failed, 0)
}

func (r *replica) emptyLevel(ctx context.Context, root *os.Root, level string) []error {
	dir, err := openDir(r.fsys, root, level)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return []error{wrap("delete all", level+"/", err)}
	}
	defer dir.root.Close()
	defer dir.file.Close()

	var keys []string
	err = r.fsys.eachName(ctx, dir.file, func(name string) {
		if _, _, ok := backend.ParseFilename(name); ok || backend.IsTempName(name) {
			keys = append(keys, level+"/"+strings.Clone(name))
		}
	})
	failed := r.removeAll(ctx, "delete all", dir, keys)
	if err != nil {
		failed = append(failed, wrap("delete all", level+"/", err))
	}
	return failed
}

// removeDir removes a directory if it is one and empty, and says whether it has.
func (r *replica) removeDir(root *os.Root, name string) (removed bool, err error) {
	if is, err := isDir(r.fsys, root, name); !is {
		return false, err
	}
	err = r.fsys.remove(root, name)
	switch {
	case err == nil:
		return true, nil
	case isGone(err), errors.Is(err, fs.ErrExist), isNotEmpty(err):
		return false, nil
	}
	return false, bare("remove directory", err)
}
