package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

const (
	opLevels  = "list levels"
	opFolders = "list folders"
)

// dirOf returns the directory of a prefix.
func dirOf(prefix string) string { return strings.TrimSuffix(prefix, "/") }

// LTXLevels implements ltxstore.LevelLister. It costs one List.
func (c *Client) LTXLevels(ctx context.Context) (levels []int, err error) {
	r, err := c.init(ctx, opLevels)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opLevels, slog.LevelDebug)
	dirs, failed := r.levels(ctx, opLevels)
	err = backend.Partial(r.Type, opLevels, failed, 0)
	op.End(err)
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if level, ok := r.Keys.ParseLevel(dir + "/"); ok {
			levels = append(levels, level)
		}
	}
	slices.Sort(levels)
	return levels, nil
}

// Folders implements backend.FolderLister. It costs one List.
func (c *Client) Folders(ctx context.Context) ([]string, error) {
	r, err := c.init(ctx, opFolders)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opFolders, slog.LevelDebug)
	names, err := r.dirsIn(ctx, "", false, func(string) bool { return true })
	err = r.wrap(opFolders, "", flow.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

// dirsIn returns the names of the directories in a directory, and of symbolic links if
// links is true. It returns none if the directory is missing.
func (r *replica) dirsIn(ctx context.Context, at string, links bool, want func(name string) bool) (names []string, err error) {
	err = r.do(ctx, func(ctx context.Context) error {
		names = nil
		if err := r.notBehindLink(ctx, at); err != nil {
			return err
		}
		dir, err := r.openDir(ctx, at, Scan)
		if err != nil {
			return err
		}
		defer dir.Close()
		found, err := r.entries(ctx, dir, want)
		for _, e := range found {
			if e.Mode.IsDir() || links && e.Mode&fs.ModeSymlink != 0 {
				names = append(names, e.Name)
			}
		}
		return err
	})
	if r.is(err, fs.ErrNotExist) || errors.Is(err, ErrNotDirectory) && !errors.Is(err, ErrLink) {
		return nil, nil
	}
	return names, err
}

// entries returns the entries of a directory whose names are wanted. On a Disk, each costs
// a Stat: deleted ones are left out, and if one fails, the others are returned with its
// error.
func (r *replica) entries(ctx context.Context, dir Dir, want func(name string) bool) (found []Entry, err error) {
	err = dir.List(ctx, func(e Entry) {
		if want(e.Name) {
			e.Name = strings.Clone(e.Name)
			found = append(found, e)
		}
	})
	there := found[:0]
	for _, e := range found {
		if e.Mode == NameOnly {
			var statErr error
			if e.Info, statErr = dir.Stat(ctx, e.Name); statErr != nil {
				if !r.is(statErr, fs.ErrNotExist) {
					err = errors.Join(err, fmt.Errorf("%s: %w", e.Name, statErr))
				}
				continue
			}
		}
		there = append(there, e)
	}
	return there, err
}

// levels returns the paths of the level directories, and an *ltxstore.Error of op for each
// directory that cannot be read. Some may be missing, or be symbolic links, which are not
// followed.
func (r *replica) levels(ctx context.Context, op string) (found []string, failed []error) {
	holders, elsewhere := r.Keys.Holders()
	for _, level := range elsewhere {
		if r.Disk == nil {
			found = append(found, dirOf(level))
		} else { // a Stat is cheap
			holder, _ := split(dirOf(level))
			holders = append(holders, holder)
		}
	}
	for _, holder := range holders {
		holder = dirOf(holder)
		names, err := r.dirsIn(ctx, holder, true, func(name string) bool {
			_, ok := r.Keys.ParseLevel(path.Join(holder, name) + "/")
			return ok
		})
		for _, name := range names {
			found = append(found, path.Join(holder, name))
		}
		if err != nil {
			failed = append(failed, r.wrap(op, strings.TrimPrefix(holder+"/", "/"), flow.Ended(ctx, err)))
		}
	}
	return found, failed
}
