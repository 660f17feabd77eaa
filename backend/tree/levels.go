package tree

import (
	"context"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore/internal/flow"
)

const (
	opLevels  = "list levels"
	opFolders = "list folders"
)

// dirOf returns the path of a directory that a prefix names.
func dirOf(prefix string) string { return strings.TrimSuffix(prefix, "/") }

// LTXLevels implements ltxstore.LevelLister. It costs one List.
func (c *Client) LTXLevels(ctx context.Context) (levels []int, err error) {
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opLevels, slog.LevelDebug)
	dirs, err := r.levels(ctx)
	for _, dir := range dirs {
		if level, ok := r.Keys.ParseLevel(dir + "/"); ok {
			levels = append(levels, level)
		}
	}
	slices.Sort(levels)
	err = r.wrap(opLevels, "", flow.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	return levels, nil
}

// Folders implements backend.FolderLister. It costs one List.
func (c *Client) Folders(ctx context.Context) ([]string, error) {
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := r.start(ctx, opFolders, slog.LevelDebug)
	names, err := r.dirsIn(ctx, "")
	err = r.wrap(opFolders, "", flow.Ended(ctx, err))
	op.End(err)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

// dirsIn returns the names of the directories in one; none if it is missing.
func (r *replica) dirsIn(ctx context.Context, dir string) (names []string, err error) {
	err = r.do(ctx, func(ctx context.Context) error {
		names = nil
		return r.Tree.List(ctx, dir, func(e Entry) {
			if e.Mode.IsDir() {
				names = append(names, e.Name)
			}
		})
	})
	if r.is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

// levels returns the paths of the level directories, of which some may be
// missing.
func (r *replica) levels(ctx context.Context) (found []string, err error) {
	holders, elsewhere := r.Keys.Holders()
	for _, level := range elsewhere {
		found = append(found, dirOf(level))
	}
	for _, holder := range holders {
		names, err := r.dirsIn(ctx, dirOf(holder))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if dir := path.Join(holder, name); r.isLevel(dir) {
				found = append(found, dir)
			}
		}
	}
	return found, nil
}

func (r *replica) isLevel(dir string) bool {
	_, ok := r.Keys.ParseLevel(dir + "/")
	return ok
}
