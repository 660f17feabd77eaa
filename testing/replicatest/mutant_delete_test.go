package replicatest_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
	"github.com/ltxstore/ltxstore/mock"
)

func deleteMutants() []mutant {
	return []mutant{
		{name: "has an error for a missing file", fails: []string{"delete/missing", "all/no-goroutine-leaks"},
			damage: onDelete(func(c *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error {
					gone := false
					for _, info := range files {
						if info != nil && backend.CheckFile(info.Level, info.MinTXID, info.MaxTXID) == nil {
							_, there := c.world.bucket.Get(c.keys.File(info.Level, info.MinTXID, info.MaxTXID))
							gone = gone || !there
						}
					}
					err := del(ctx, files)
					if err == nil && gone {
						return fs.ErrNotExist
					}
					return err
				}
			})},
		{name: "stops deleting at the first error", fails: []string{"delete/partial-failure", "delete/bad-entry"},
			damage: onDelete(func(_ *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error {
					if len(files) == 0 {
						return del(ctx, files)
					}
					for i := range files {
						if err := del(ctx, files[i:i+1]); err != nil {
							return err
						}
					}
					return nil
				}
			})},
		{name: "passes over what cannot be deleted", fails: []string{"write/bad-names", "delete/bad-entry"},
			damage: onDelete(func(_ *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error {
					return del(ctx, slices.DeleteFunc(slices.Clone(files), func(info *ltx.FileInfo) bool {
						return backend.CheckFiles([]*ltx.FileInfo{info}) != nil
					}))
				}
			})},
		{name: "does not say what was not deleted", fails: []string{"delete/partial-failure"},
			damage: onDelete(func(_ *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error {
					if err := del(ctx, files); errors.Is(err, mockstore.ErrBroken) {
						return mockstore.ErrBroken
					} else if err != nil {
						return err
					}
					return nil
				}
			})},
		{name: "swallows the error of a deletion", fails: []string{"write/store-fails", "delete/partial-failure"},
			damage: onDelete(func(_ *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error {
					if err := del(ctx, files); !errors.Is(err, mockstore.ErrBroken) {
						return err
					}
					return nil
				}
			})},
		{name: "deletes the first batch", fails: []string{"delete/pages", "delete/partial-failure"},
			damage: onDelete(func(_ *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error {
					return del(ctx, files[:min(len(files), testPageSize)]) // a batch
				}
			})},
		{name: "deletes the name at every level", fails: []string{"delete/some"},
			damage: onDelete(func(_ *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error {
					all := files
					for _, info := range files {
						if info == nil {
							continue
						}
						for level := range 10 {
							other := *info
							if other.Level = level; backend.CheckFile(info.Level, info.MinTXID, info.MaxTXID) == nil {
								all = append(all, &other)
							}
						}
					}
					return del(ctx, all)
				}
			})},
		{name: "ignores the context when it deletes", fails: []string{"all/context-done", "all/deadline"},
			damage: onDelete(func(_ *client, del deleteFunc) deleteFunc {
				return func(ctx context.Context, files []*ltx.FileInfo) error { return del(context.WithoutCancel(ctx), files) }
			})},
		{name: "DeleteAll goes by the bare prefix", fails: []string{"delete-all/siblings"},
			damage: onDeleteAll(func(c *client, key string) bool {
				rest, ok := strings.CutPrefix(key, strings.TrimSuffix(c.keys.Prefix(), "/"))
				_, below, _ := strings.Cut(rest, "/")
				return ok && !strings.HasPrefix(rest, "/") && isKey(below)
			})},
		{name: "DeleteAll deletes foreign files", fails: []string{"delete-all/foreign-files", "delete-all/parent"},
			damage: onDeleteAll(func(c *client, key string) bool {
				return strings.HasPrefix(key, c.keys.Prefix())
			})},
		{name: "DeleteAll deletes every LTX name below", fails: []string{"delete-all/foreign-files", "delete-all/parent"},
			damage: onDeleteAll(func(c *client, key string) bool {
				_, _, ok := backend.ParseFilename(path.Base(key))
				return ok && strings.HasPrefix(key, c.keys.Prefix())
			})},
		{name: "DeleteAll leaves the snapshots", fails: []string{"delete-all/delete-fails", "delete-all/everything", "delete-all/foreign-files", "delete-all/directories"},
			damage: leaves(func(_ *client, level, _ int) bool { return level == ltxstore.SnapshotLevel })},
		{name: "DeleteAll leaves the levels it does not know", fails: []string{"delete-all/everything"},
			damage: leaves(func(_ *client, level, _ int) bool { return level > ltxstore.SnapshotLevel })},
		{name: "DeleteAll deletes the first page", fails: []string{"delete-all/list-fails", "delete-all/pages", "all/several-clients"},
			damage: leaves(func(_ *client, _, n int) bool { return n > testPageSize })},
		{name: "DeleteAll leaves unfinished uploads", fails: []string{"delete-all/leftovers"},
			damage: func(c *client) {
				c.DeleteAllFunc = func(ctx context.Context) error {
					before := c.world.bucket.Leftovers()
					err := c.Default().DeleteAll(ctx)
					if err == nil {
						for _, key := range before {
							c.world.bucket.AddLeftover(key)
						}
					}
					return err
				}
			}},
		{name: "DeleteAll takes what it cannot list for empty", fails: []string{"delete-all/list-fails"},
			damage: onFailedDeleteAll(func(files []*ltx.FileInfo, listed bool, del func(*ltx.FileInfo) error) error {
				return deleteEach(files, del)
			})},
		{name: "DeleteAll drops the error of a file", fails: []string{"delete-all/delete-fails"},
			damage: onFailedDeleteAll(func(files []*ltx.FileInfo, listed bool, del func(*ltx.FileInfo) error) error {
				_ = deleteEach(files, del)
				if !listed {
					return mockstore.ErrBroken
				}
				return nil
			})},
		{name: "DeleteAll leaves directories", fails: []string{"delete-all/directories", "delete-all/leftovers"},
			damage: onWrite(func(c *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					info, err := write(ctx, level, minTXID, maxTXID, r)
					if err == nil {
						c.world.bucket.Put(c.keys.LevelPrefix(level), mock.Object{})
					}
					return info, err
				}
			})},
		{name: "DeleteAll has an error when there is nothing", fails: []string{
			"raw/*", "write/invisible-until-done", "write/empty", "write/size-shrinks", "write/size-grows", "write/reader-outlives-context", "write/header-of-another-file", "write/broken-header",
			"write/*-before-header", "write/*-in-header", "write/*-after-header", "write/*-in-the-middle",
			"write/*-on-last-byte", "write/plain-reader-fails", "open/missing-store", "open/deleted-meanwhile",
			"list/empty", "delete-all/pages", "delete-all/everything", "delete-all/empty",
			"delete-all/siblings", "delete-all/foreign-files", "delete-all/directories", "delete-all/leftovers",
			"delete-all/parent"},
			damage: func(c *client) {
				c.DeleteAllFunc = func(ctx context.Context) error {
					if !anyKey(c) && ctx.Err() == nil {
						return &ltxstore.Error{Op: "delete all", Backend: c.Type(), Kind: fs.ErrNotExist}
					}
					return c.Default().DeleteAll(ctx)
				}
			}},
		{name: "DeleteAll ignores the context", fails: []string{"all/context-done", "all/deadline"},
			damage: func(c *client) {
				c.DeleteAllFunc = func(ctx context.Context) error { return c.Default().DeleteAll(context.WithoutCancel(ctx)) }
			}},
	}
}

// onFailedDeleteAll deletes by what a level 0, 1 or 9 lists before anything else
// does, if it cannot list or delete all of it.
func onFailedDeleteAll(then func(files []*ltx.FileInfo, listed bool, del func(*ltx.FileInfo) error) error) func(*client) {
	return func(c *client) {
		c.DeleteAllFunc = func(ctx context.Context) error {
			var files []*ltx.FileInfo
			listed := true
			for _, level := range []int{0, 1, 9} {
				itr, err := c.LTXFiles(ctx, level, 0, false)
				if err != nil {
					return c.Default().DeleteAll(ctx)
				}
				for itr.Next() {
					files = append(files, itr.Item())
				}
				listed = itr.Close() == nil && listed
			}
			failed := false
			err := then(files, listed, func(info *ltx.FileInfo) error {
				err := c.DeleteLTXFiles(ctx, []*ltx.FileInfo{info})
				failed = failed || err != nil
				return err
			})
			if listed && !failed {
				return c.Default().DeleteAll(ctx)
			}
			return err
		}
	}
}

func deleteEach(files []*ltx.FileInfo, del func(*ltx.FileInfo) error) (err error) {
	for _, info := range files {
		err = errors.Join(err, del(info))
	}
	return err
}

type deleteFunc = func(ctx context.Context, files []*ltx.FileInfo) error

func onDelete(change func(c *client, del deleteFunc) deleteFunc) func(*client) {
	return func(c *client) { c.DeleteLTXFilesFunc = change(c, c.Default().DeleteLTXFiles) }
}

// onDeleteAll deletes the keys too for which also is true.
func onDeleteAll(also func(c *client, key string) bool) func(*client) {
	return func(c *client) {
		c.DeleteAllFunc = func(ctx context.Context) error {
			if err := c.Default().DeleteAll(ctx); err != nil {
				return err
			}
			for _, key := range c.world.bucket.Keys() {
				if also(c, key) {
					c.world.bucket.Delete(key)
				}
			}
			return nil
		}
	}
}

// leaves puts back what DeleteAll should have deleted: the files of a level,
// or those after the nth.
func leaves(left func(c *client, level, n int) bool) func(*client) {
	return func(c *client) {
		c.DeleteAllFunc = func(ctx context.Context) error {
			kept := make(map[string]mock.Object)
			n := 0
			for _, key := range c.world.bucket.Keys() {
				level, _, _, ok := c.keys.Parse(key)
				if !ok {
					continue
				}
				if n++; left(c, level, n) {
					kept[key], _ = c.world.bucket.Get(key)
				}
			}
			if err := c.Default().DeleteAll(ctx); err != nil {
				return err
			}
			for key, o := range kept {
				c.world.bucket.Put(key, o)
			}
			return nil
		}
	}
}

func isKey(key string) bool {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	_, _, _, ok := keys.Parse(key)
	return err == nil && ok
}

func anyKey(c *client) bool {
	for _, key := range c.world.bucket.Keys() {
		if _, _, _, ok := c.keys.Parse(key); ok {
			return true
		}
	}
	return false
}
