package replicatest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
)

// onlyMutants are wrong where a method is called in one way, and right in the others:
// the cases must call it in each.
func onlyMutants() []mutant {
	return []mutant{
		{name: "drops the last page with useMetadata", fails: []string{"list/pages", "list/lazy", "list/seek-costs"},
			damage: onlyWith(true, onItems(dropsLastPage))},
		{name: "drops the last page without useMetadata", fails: []string{"list/costs", "list/pages", "list/pages-seek", "list/lazy", "list/seek-costs", "list/while-changing"},
			damage: onlyWith(false, onItems(dropsLastPage))},
		{name: "lists temporary files with useMetadata", fails: []string{"list/foreign-files"},
			damage: onlyWith(true, listsAlso(isTemp))},
		{name: "lists temporary files without useMetadata", fails: []string{"list/foreign-files"},
			damage: onlyWith(false, listsAlso(isTemp))},
		{name: "leaves what fetches headers ahead", fails: []string{"list/pages-closed", "all/no-goroutine-leaks"},
			damage: onlyWith(true, onItems(func(c *client, itr ltx.FileIterator) ltx.FileIterator {
				go func() { <-c.world.closed }()
				return itr
			}))},
		{name: "leaves what fetches headers ahead when it is closed early", fails: []string{"list/pages-closed", "all/no-goroutine-leaks"},
			damage: onlyWith(true, onItems(func(c *client, itr ltx.FileIterator) ltx.FileIterator {
				ended := false
				return &iterator{FileIterator: itr, next: func() bool {
					ended = !itr.Next()
					return !ended
				}, close: func() error {
					if !ended {
						go func() { <-c.world.closed }()
					}
					return itr.Close()
				}}
			}))},
		{name: "ignores the context when it lists without useMetadata", fails: []string{"list/pages-cancelled", "all/context-done", "all/deadline"},
			damage: onlyWith(false, onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					return list(context.WithoutCancel(ctx), level, seek, useMetadata)
				}
			}))},
		{name: "lists the epoch for a body without a header with useMetadata", fails: []string{"time/of-plain-body"},
			damage: onlyWith(true, onItem(func(c *client, info *ltx.FileInfo) {
				if !isLTX(c, info) {
					info.CreatedAt = time.Unix(0, 0).UTC()
				}
			}))},
		{name: "goes on after Close without useMetadata", fails: []string{"list/closed", "list/pages-cancelled", "list/fails-later"},
			damage: onlyWith(false, onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
				return &iterator{FileIterator: itr, close: func() error { return nil }}
			}))},
		{name: "rewinds an *os.File", fails: []string{"write/readers"},
			damage: onAnyWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if f, ok := r.(*os.File); ok {
						_, _ = f.Seek(0, io.SeekStart)
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "wants an *os.File to seek", fails: []string{"write/readers"},
			damage: onAnyWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if f, ok := r.(*os.File); ok {
						if _, err := f.Seek(0, io.SeekCurrent); err != nil {
							return nil, err
						}
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "lists impossible levels as empty without useMetadata", fails: []string{"write/bad-names"},
			damage: onlyWith(false, onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					if ctx.Err() == nil && (level < 0 || level > ltxstore.MaxLevel) {
						return &held{ctx: ctx}, nil
					}
					return list(ctx, level, seek, useMetadata)
				}
			}))},
		{name: "lists a missing store as empty without useMetadata", fails: []string{"open/missing-store"},
			damage: onlyWith(false, onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if errors.Is(err, ltxstore.ErrStoreNotFound) {
						return &held{ctx: ctx}, nil
					}
					return itr, err
				}
			}))},
		{name: "lists an outage as empty without useMetadata", fails: []string{"write/store-fails"},
			damage: onlyWith(false, onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if errors.Is(err, mockstore.ErrBroken) {
						return &held{ctx: ctx}, nil
					}
					return itr, err
				}
			}))},
		{name: "brings back what was deleted", fails: []string{"write/invisible-until-done", "list/deleted-and-added", "all/several-clients"}, chance: []string{"all/mixed-operations"},
			damage: bringsBack},
		{name: "has cancellation for a failed DeleteAll", fails: []string{"delete-all/list-fails", "delete-all/delete-fails"},
			damage: onFailedDeleteAll(func(files []*ltx.FileInfo, listed bool, del func(*ltx.FileInfo) error) error {
				if err := deleteEach(files, del); err != nil || !listed {
					return context.Canceled
				}
				return nil
			})},
		{name: "has a missing file for a failed DeleteAll", fails: []string{"delete-all/list-fails", "delete-all/delete-fails"},
			damage: onFailedDeleteAll(func(files []*ltx.FileInfo, listed bool, del func(*ltx.FileInfo) error) error {
				if err := deleteEach(files, del); err != nil || !listed {
					return fs.ErrNotExist
				}
				return nil
			})},
		{name: "DeleteAll leaves what begins like a file that cannot be deleted", fails: []string{"delete-all/delete-fails"},
			damage: onFailedDeleteAll(func(files []*ltx.FileInfo, listed bool, del func(*ltx.FileInfo) error) error {
				others := slices.DeleteFunc(slices.Clone(files), func(f *ltx.FileInfo) bool { return f.MinTXID == 2 && f.MaxTXID == 4 })
				if err := deleteEach(others, del); err != nil || listed {
					return err
				}
				return mockstore.ErrBroken
			})},
		{name: "damages a byte far in a body", fails: []string{"write/large"},
			damage: onReader(func(r io.Reader) io.Reader { return &flipper{r: r, left: 900_000} })},
		{name: "loses what is over ten pages", fails: []string{"write/ltx", "write/sizes", "write/large", "rewrite/replaces",
			"rewrite/many-writers", "rewrite/upload-removed", "open/ranges", "open/broken-transfer", "list/sizes"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					n := &counter{r: r}
					info, err := write(ctx, level, minTXID, maxTXID, io.MultiReader(io.LimitReader(n, 40<<10), &discarded{n}))
					if info != nil {
						info.Size = n.n
					}
					return info, err
				}
			})},
		{name: "returns no size of a body that cannot seek", fails: []string{"write/readers"},
			damage: onAnyWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					info, err := write(ctx, level, minTXID, maxTXID, r)
					if s, ok := r.(io.Seeker); ok && err == nil {
						if _, seekErr := s.Seek(0, io.SeekCurrent); seekErr != nil {
							info.Size = 0
						}
					}
					return info, err
				}
			})},
		{name: "makes an error of the panic of a source that can be read at any place", fails: []string{"write/reader-panics"},
			damage: onAnyWrite(func(c *client, write writeFunc) writeFunc {
				return readsAtAnyPlace(c, write, func(value any) error { return fmt.Errorf("upload failed: %v", value) })
			})},
		{name: "takes a reader of a known size that gives up for a bad body", fails: []string{"write/reader-outlives-context*"},
			damage: onAnyWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					size, _ := ltxio.Size(r)
					info, err := write(ctx, level, minTXID, maxTXID, r)
					if size >= 0 && errors.Is(err, context.Canceled) {
						err = fs.ErrInvalid
					}
					return info, err
				}
			})},
		{name: "takes a reader of an unknown size that gives up for a bad body", fails: []string{"write/reader-outlives-context*", "write/cancelled-on-last-byte*"},
			damage: onAnyWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if size, err := ltxio.Size(r); err != nil || size >= 0 {
						return write(ctx, level, minTXID, maxTXID, r)
					}
					ender := &toldReader{ctx: ctx, r: r, mayEnd: true, mayGoOn: true}
					info, err := write(ctx, level, minTXID, maxTXID, ender)
					if ender.ended && ctx.Err() != nil {
						err = fs.ErrInvalid
					}
					return info, err
				}
			})},
	}
}

// onlyWith damages listings with that useMetadata.
func onlyWith(useMetadata bool, damage func(*client)) func(*client) {
	return func(c *client) {
		damage(c)
		damaged := c.LTXFilesFunc
		c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, with bool) (ltx.FileIterator, error) {
			if with == useMetadata {
				return damaged(ctx, level, seek, with)
			}
			return c.Default().LTXFiles(ctx, level, seek, with)
		}
	}
}

// bringsBack undoes a deletion with the next write.
func bringsBack(c *client) {
	deleted := make(chan func(), 100)
	del, write := c.Default().DeleteLTXFiles, c.Default().WriteLTXFile
	c.DeleteLTXFilesFunc = func(ctx context.Context, files []*ltx.FileInfo) error {
		if ctx.Err() != nil || backend.CheckFiles(files) != nil {
			return del(ctx, files)
		}
		for _, f := range files {
			key := c.keys.File(f.Level, f.MinTXID, f.MaxTXID)
			if o, ok := c.world.bucket.Get(key); ok {
				deleted <- func() { c.world.bucket.Put(key, o) }
			}
		}
		return del(ctx, files)
	}
	c.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		for len(deleted) > 0 {
			(<-deleted)()
		}
		return write(ctx, level, minTXID, maxTXID, r)
	}
}

// flipper changes the byte before which so many come.
type flipper struct {
	r    io.Reader
	left int
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if f.left >= 0 && f.left < n {
		p[f.left]++
	}
	f.left -= n
	return n, err
}

// readsAtAnyPlace reads a source that can be in another goroutine, as clients do that
// send its parts at once. panicked is given what that panics with.
func readsAtAnyPlace(_ *client, write writeFunc, panicked func(value any) error) writeFunc {
	return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		source, ok := r.(interface {
			io.ReaderAt
			io.WriterTo
		})
		size, err := ltxio.Size(r)
		if !ok || err != nil || size <= 0 || !sound(ctx, level, minTXID, maxTXID) {
			return write(ctx, level, minTXID, maxTXID, r)
		}
		start, err := r.(io.Seeker).Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		body, done := make([]byte, size), make(chan any)
		go func() {
			defer func() { done <- recover() }()
			_, err = source.ReadAt(body, start)
		}()
		if value := <-done; value != nil {
			return nil, panicked(value)
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		return write(ctx, level, minTXID, maxTXID, bytes.NewReader(body))
	}
}
