package replicatest_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/superfly/ltx"
)

func listMutants() []mutant {
	return []mutant{
		{name: "uses seek as a prefix", fails: []string{"list/seek", "list/foreign-files", "list/pages-seek", "delete-all/siblings"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if err != nil || seek == 0 {
						return itr, err
					}
					return skipping(itr, func(info *ltx.FileInfo) bool { return info.MinTXID != seek }), nil
				}
			})},
		{name: "ignores seek", fails: []string{
			"list/seek", "list/foreign-files", "list/pages-seek", "list/seek-costs",
			"delete-all/siblings", "all/mixed-operations"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, _ ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					return list(ctx, level, 0, useMetadata)
				}
			})},
		{name: "seeks in what it has listed", fails: []string{"list/seek-costs"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, 0, useMetadata)
					if err != nil {
						return nil, err
					}
					return skipping(itr, func(info *ltx.FileInfo) bool { return info.MinTXID < seek }), nil
				}
			})},
		{name: "lists twice", fails: []string{"list/costs"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if err != nil {
						return nil, err
					}
					return &iterator{FileIterator: itr, next: func() bool {
						more := itr.Next()
						if !more && itr.Err() == nil && ctx.Err() == nil {
							if again, err := list(ctx, level, seek, useMetadata); err == nil {
								for again.Next() {
								}
								_ = again.Close()
							}
						}
						return more
					}}, nil
				}
			})},
		{name: "seeks by MaxTXID", fails: []string{"list/seek"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					from := seek
					if level == 2 && seek > 10 { // as far back as a spanning file of the case begins
						from = 0
					}
					itr, err := list(ctx, level, from, useMetadata)
					if err != nil {
						return nil, err
					}
					return skipping(itr, func(info *ltx.FileInfo) bool { return info.MaxTXID < seek }), nil
				}
			})},
		{name: "lists unsorted", fails: []string{
			"list/costs",
			"time/of-header", "time/never-zero", "time/stripped", "list/sorted",
			"list/seek", "list/sizes", "list/foreign-files", "list/torn-reported", "list/items-are-values",
			"list/deleted-and-added", "list/pages", "list/pages-seek", "list/lazy",
			"list/seek-costs", "list/while-changing", "delete/pages", "delete/partial-failure",
			"delete-all/siblings", "all/ten-writers", "all/several-clients"}, chance: []string{"all/mixed-operations"},
			damage: onWhole(func(infos []*ltx.FileInfo) []*ltx.FileInfo {
				slices.Reverse(infos)
				return infos
			})},
		{name: "sorts by MinTXID only", fails: []string{"list/sorted", "list/lazy"},
			damage: onWhole(func(infos []*ltx.FileInfo) []*ltx.FileInfo {
				slices.SortFunc(infos, func(a, b *ltx.FileInfo) int {
					return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(b.MaxTXID, a.MaxTXID))
				})
				return infos
			})},
		{name: "reads the level whole", fails: []string{"list/lazy"},
			damage: onWhole(func(infos []*ltx.FileInfo) []*ltx.FileInfo { return infos })},
		{name: "drops the last page", fails: []string{
			"list/costs",
			"list/pages", "list/pages-seek", "list/lazy", "list/seek-costs",
			"list/while-changing"},
			damage: onItems(dropsLastPage)},
		{name: "drops the first of a page", fails: []string{
			"list/costs",
			"list/sorted", "list/sizes", "list/pages", "list/pages-seek",
			"list/lazy", "list/seek-costs", "list/while-changing", "delete/pages",
			"all/ten-writers", "all/several-clients"},
			damage: onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
				n := -1
				return skipping(itr, func(*ltx.FileInfo) bool {
					n++
					return n > 0 && n%testPageSize == 0
				})
			})},
		{name: "gives the borders of pages twice", fails: []string{
			"list/costs",
			"list/sorted", "list/sizes", "list/pages", "list/pages-seek",
			"list/lazy", "list/seek-costs", "list/while-changing", "delete/pages",
			"all/ten-writers", "all/several-clients"},
			damage: onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
				n, again := 0, false
				return &iterator{FileIterator: itr, next: func() bool {
					if again = n > 0 && n%testPageSize == 0 && !again; again {
						return true
					}
					n++
					return itr.Next()
				}}
			})},
		{name: "pages by number", fails: []string{"list/costs", "list/while-changing"},
			damage: onList(pagesByNumber)},
		{name: "swallows the error of a listing", fails: []string{"time/failed-lookup", "list/pages-cancelled", "list/fails-later"},
			damage: onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
				return &iterator{FileIterator: itr, err: func() error { return nil }, close: func() error { _ = itr.Close(); return nil }}
			})},
		{name: "swallows the error of Close", fails: []string{"list/pages-cancelled", "list/fails-later"},
			damage: onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
				return &iterator{FileIterator: itr, close: func() error { _ = itr.Close(); return nil }}
			})},
		{name: "goes on after Close", fails: []string{"list/closed", "list/pages-cancelled", "list/pages-closed", "list/fails-later"},
			damage: onItems(func(c *client, itr ltx.FileIterator) ltx.FileIterator {
				return &iterator{FileIterator: itr, close: func() error { return nil }}
			})},
		{name: "reuses the Item", fails: []string{
			"list/costs",
			"time/of-header", "time/never-zero", "time/stripped", "list/sorted",
			"list/seek", "list/sizes", "list/foreign-files", "list/torn-reported", "list/items-are-values",
			"list/deleted-and-added", "list/pages", "list/pages-seek", "list/lazy",
			"list/seek-costs", "list/while-changing", "delete/pages", "delete/partial-failure",
			"delete-all/siblings", "all/ten-writers", "all/several-clients"}, chance: []string{"all/mixed-operations"},
			damage: onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
				var item ltx.FileInfo
				return &iterator{FileIterator: itr, item: func() *ltx.FileInfo {
					item = *itr.Item()
					return &item
				}}
			})},
		{name: "ignores the context when it lists", fails: []string{"list/pages-cancelled", "all/context-done", "all/deadline"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					return list(context.WithoutCancel(ctx), level, seek, useMetadata)
				}
			})},
		{name: "has an error for a missing level", fails: []string{
			"list/levels-apart", "list/empty", "delete/some", "delete-all/parent",
			"all/no-goroutine-leaks"},
			damage: onList(func(c *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if err != nil {
						return nil, err
					}
					keys := strings.Join(c.world.bucket.Keys(), "\n")
					if strings.Contains(keys, c.keys.Prefix()) && !strings.Contains(keys, c.keys.LevelPrefix(level)) {
						return nil, errors.Join(fs.ErrNotExist, itr.Close())
					}
					return itr, nil
				}
			})},
		{name: "lists the levels that begin with the same digits", fails: []string{"list/levels-apart"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if err != nil || level < 1 || level > 999 {
						return itr, err
					}
					more, err := list(ctx, level*10, seek, useMetadata)
					if err != nil {
						return nil, errors.Join(err, itr.Close())
					}
					return &joined{iterator: iterator{FileIterator: itr}, more: more, level: level}, nil
				}
			})},
		{name: "lists torn uploads", fails: []string{"list/foreign-files", "list/torn-reported"},
			damage: listsAlso(func(c *client, key string) bool {
				o, ok := c.world.bucket.Get(key)
				return ok && len(o.Body) == 0
			})},
		{name: "lists temporary files", fails: []string{"list/foreign-files"},
			damage: listsAlso(isTemp)},
		{name: "keeps the listings it has seen", fails: []string{
			"list/items-are-values", "list/deleted-and-added", "delete-all/everything", "delete-all/empty",
			"delete-all/parent", "all/several-clients"}, chance: []string{"all/mixed-operations"},
			damage: func(c *client) { caches(c) }},
		{name: "keeps its listings until it changes something", fails: []string{"list/items-are-values", "all/several-clients"}, chance: []string{"all/mixed-operations"},
			damage: func(c *client) {
				forget := caches(c)
				write, del, delAll := c.Default().WriteLTXFile, c.Default().DeleteLTXFiles, c.Default().DeleteAll
				c.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					defer forget()
					return write(ctx, level, minTXID, maxTXID, r)
				}
				c.DeleteLTXFilesFunc = func(ctx context.Context, files []*ltx.FileInfo) error {
					defer forget()
					return del(ctx, files)
				}
				c.DeleteAllFunc = func(ctx context.Context) error {
					defer forget()
					return delAll(ctx)
				}
			}},
		{name: "lists no sizes", fails: []string{"rewrite/replaces", "list/sizes"},
			damage: onItem(func(_ *client, info *ltx.FileInfo) { info.Size = 1 })},
		{name: "leaves what fetches ahead", fails: []string{"list/pages-closed", "all/no-goroutine-leaks"},
			damage: onItems(func(c *client, itr ltx.FileIterator) ltx.FileIterator {
				n := 0
				return &iterator{FileIterator: itr, next: func() bool {
					if n++; n == 1 {
						go func() { <-c.world.closed }()
					}
					return itr.Next()
				}}
			})},
	}
}

func dropsLastPage(_ *client, itr ltx.FileIterator) ltx.FileIterator {
	n := 0
	return skipping(itr, func(*ltx.FileInfo) bool {
		n++
		return n > 2*testPageSize
	})
}

func isTemp(_ *client, key string) bool { return strings.HasSuffix(key, ".tmp") }
