package replicatest_test

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
)

// iterator is one with other methods in place.
type iterator struct {
	ltx.FileIterator
	next  func() bool
	item  func() *ltx.FileInfo
	err   func() error
	close func() error
}

func (it *iterator) Next() bool {
	if it.next != nil {
		return it.next()
	}
	return it.FileIterator.Next()
}

func (it *iterator) Item() *ltx.FileInfo {
	if it.item != nil {
		return it.item()
	}
	return it.FileIterator.Item()
}

func (it *iterator) Err() error {
	if it.err != nil {
		return it.err()
	}
	return it.FileIterator.Err()
}

func (it *iterator) Close() error {
	if it.close != nil {
		return it.close()
	}
	return it.FileIterator.Close()
}

// onItem changes what is listed.
func onItem(change func(c *client, info *ltx.FileInfo)) func(*client) {
	return onItems(func(c *client, itr ltx.FileIterator) ltx.FileIterator {
		return &iterator{FileIterator: itr, item: func() *ltx.FileInfo {
			info := *itr.Item()
			change(c, &info)
			return &info
		}}
	})
}

// onPlainItem changes what is listed without useMetadata. With headers, the list that
// it changes has the headers' times nevertheless.
func onPlainItem(headers bool, change func(info *ltx.FileInfo)) func(*client) {
	return onList(func(_ *client, list listFunc) listFunc {
		return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			itr, err := list(ctx, level, seek, useMetadata || headers)
			if err != nil || useMetadata {
				return itr, err
			}
			return &iterator{FileIterator: itr, item: func() *ltx.FileInfo {
				info := *itr.Item()
				change(&info)
				return &info
			}}, nil
		}
	})
}

func skipping(itr ltx.FileIterator, skip func(*ltx.FileInfo) bool) ltx.FileIterator {
	return &iterator{FileIterator: itr, next: func() bool {
		for itr.Next() {
			if !skip(itr.Item()) {
				return true
			}
		}
		return false
	}}
}

// onWhole reads the level whole before the first item, and changes it.
func onWhole(change func([]*ltx.FileInfo) []*ltx.FileInfo) func(*client) {
	return onList(func(_ *client, list listFunc) listFunc {
		return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			itr, err := list(ctx, level, seek, useMetadata)
			if err != nil {
				return nil, err
			}
			return whole(ctx, itr, change)
		}
	})
}

func whole(ctx context.Context, itr ltx.FileIterator, change func([]*ltx.FileInfo) []*ltx.FileInfo) (ltx.FileIterator, error) {
	infos, err := ltx.SliceFileIterator(itr)
	if err = errors.Join(err, itr.Close()); err != nil {
		return nil, err
	}
	return &held{ctx: ctx, infos: change(infos)}, nil
}

// held is an iterator over what is in memory, correct by itself.
type held struct {
	ctx    context.Context
	infos  []*ltx.FileInfo
	item   ltx.FileInfo
	closed bool
	err    error
}

func (h *held) Next() bool {
	if h.err == nil && !h.closed {
		h.err = h.ctx.Err()
	}
	if h.err != nil || h.closed || len(h.infos) == 0 {
		return false
	}
	h.item, h.infos = *h.infos[0], h.infos[1:]
	return true
}

func (h *held) Item() *ltx.FileInfo {
	item := h.item
	return &item
}

func (h *held) Err() error { return h.err }

func (h *held) Close() error {
	h.closed = true
	return h.err
}

// joined goes on with another level's files as if they were this one's.
type joined struct {
	iterator
	more  ltx.FileIterator
	level int
	last  bool
}

func (j *joined) Next() bool {
	if !j.last && j.FileIterator.Next() {
		return true
	}
	j.last = true
	return j.FileIterator.Err() == nil && j.more.Next()
}

func (j *joined) Item() *ltx.FileInfo {
	if !j.last {
		return j.FileIterator.Item()
	}
	info := *j.more.Item()
	info.Level = j.level
	return &info
}

func (j *joined) Err() error { return errors.Join(j.FileIterator.Err(), j.more.Err()) }

func (j *joined) Close() error { return errors.Join(j.FileIterator.Close(), j.more.Close()) }

// byNumber asks for the nth page of the level as it then is.
type byNumber struct {
	ltx.FileIterator
	open func() (ltx.FileIterator, error)
	n    int
	err  error
}

func pagesByNumber(_ *client, list listFunc) listFunc {
	return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		open := func() (ltx.FileIterator, error) { return list(ctx, level, seek, useMetadata) }
		first, err := open()
		if err != nil {
			return nil, err
		}
		return &byNumber{FileIterator: first, open: open}, nil
	}
}

func (b *byNumber) Next() bool {
	if b.n > 0 && b.n%testPageSize == 0 && b.err == nil {
		itr, err := b.open()
		if err != nil {
			b.err = err
			return false
		}
		_ = b.FileIterator.Close()
		b.FileIterator = itr
		time.Sleep(time.Millisecond) // a round trip
		for range b.n {
			itr.Next()
		}
	}
	b.n++
	return b.err == nil && b.FileIterator.Next()
}

func (b *byNumber) Err() error { return cmp.Or(b.err, b.FileIterator.Err()) }

func (b *byNumber) Close() error { return cmp.Or(b.err, b.FileIterator.Close()) }

// listsAlso lists what is at keys of the level that the correct client skips.
func listsAlso(also func(c *client, key string) bool) func(*client) {
	return onList(func(c *client, list listFunc) listFunc {
		return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			itr, err := list(ctx, level, seek, useMetadata)
			if err != nil {
				return nil, err
			}
			var more []*ltx.FileInfo
			for _, key := range c.world.bucket.Keys() {
				name, ok := strings.CutPrefix(key, c.keys.LevelPrefix(level))
				minTXID, maxTXID, isLTX := backend.ParseFilename(strings.TrimSuffix(path.Base(name), ".tmp"))
				if ok && isLTX && minTXID >= seek && also(c, key) {
					more = append(more, &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, CreatedAt: time.Now()})
				}
			}
			if more == nil {
				return itr, nil
			}
			return whole(ctx, itr, func(infos []*ltx.FileInfo) []*ltx.FileInfo {
				infos = append(infos, more...)
				slices.SortFunc(infos, func(a, b *ltx.FileInfo) int { return cmp.Compare(a.MinTXID, b.MinTXID) })
				return infos
			})
		}
	})
}

// caches keeps listings without useMetadata until forget is called.
func caches(c *client) (forget func()) {
	type query struct {
		level int
		seek  ltx.TXID
	}
	var mu sync.Mutex
	seen := make(map[query][]*ltx.FileInfo)
	list := c.Default().LTXFiles
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		q := query{level, seek}
		mu.Lock()
		kept, ok := seen[q]
		mu.Unlock()
		if ok && !useMetadata && ctx.Err() == nil {
			return &held{ctx: ctx, infos: kept}, nil
		}
		itr, err := list(ctx, level, seek, useMetadata)
		if err != nil || useMetadata {
			return itr, err
		}
		var infos []*ltx.FileInfo
		return &iterator{FileIterator: itr, next: func() bool {
			if itr.Next() {
				infos = append(infos, itr.Item())
				return true
			}
			if itr.Err() == nil {
				mu.Lock()
				defer mu.Unlock()
				seen[q] = infos
			}
			return false
		}}, nil
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		clear(seen)
	}
}
