package cache

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// listings is what is kept of levels.
type listings struct {
	ttl   time.Duration
	bound int // files

	mu     sync.Mutex
	held   int
	levels map[int]*level
}

// level is one level: what a listing to its end has found, and those under way.
type level struct {
	whole   *whole
	running map[ltx.TXID]*shared // that a further reader may join
	all     map[*shared]bool     // beside which something may change
	changes map[layer.File]*change
}

type whole struct {
	from  ltx.TXID
	since time.Time
	files []ltx.FileInfo // sorted, never changed but by append; those of Size 0 are torn
}

// change is what this client does to a file. Of two at the same time nobody knows
// which is the last.
type change struct {
	under    int
	together bool
}

// level is called with mu held.
func (l *listings) level(n int) *level {
	lv := l.levels[n]
	if lv == nil {
		lv = &level{running: make(map[ltx.TXID]*shared), all: make(map[*shared]bool), changes: make(map[layer.File]*change)}
		l.levels[n] = lv
	}
	return lv
}

// get returns the kept listing of a level from seek on.
func (l *listings) get(n int, seek ltx.TXID) ([]ltx.FileInfo, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.level(n).whole
	if w == nil || seek < w.from || time.Since(w.since) >= l.ttl {
		return nil, false
	}
	at, _ := slices.BinarySearchFunc(w.files, seek, func(info ltx.FileInfo, seek ltx.TXID) int { return cmp.Compare(info.MinTXID, seek) })
	return w.files[at:], true
}

// stampOf returns what the kept listing, however old, tells of a file, or nil.
func (l *listings) stampOf(f layer.File) *stamp {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.level(f.Level).whole
	if w == nil {
		return nil
	}
	at, found := slices.BinarySearchFunc(w.files, f, compare)
	if !found {
		return nil
	}
	return &stamp{w.files[at].Size, w.files[at].CreatedAt}
}

func compareFiles(a, b ltx.FileInfo) int { return compare(a, layer.FileOf(&b)) }

func compare(info ltx.FileInfo, f layer.File) int {
	return cmp.Or(cmp.Compare(info.MinTXID, f.MinTXID), cmp.Compare(info.MaxTXID, f.MaxTXID))
}

// keep takes the place of what is kept of the level. It is called with mu held.
func (l *listings) keep(lv *level, w *whole) {
	if lv.whole != nil {
		l.held -= len(lv.whole.files)
	}
	if lv.whole = w; w != nil {
		l.held += len(w.files)
	}
}

// room reports whether n more files may be kept, once what has expired is gone. It
// is called with mu held.
func (l *listings) room(n int) bool {
	if l.held+n > l.bound {
		for _, lv := range l.levels {
			if lv.whole != nil && time.Since(lv.whole.since) >= l.ttl {
				l.keep(lv, nil)
			}
		}
	}
	return l.held+n <= l.bound
}

// begin is before this client writes or deletes a file.
func (l *listings) begin(f layer.File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lv := l.level(f.Level)
	c := lv.changes[f]
	if c == nil {
		c = &change{}
		lv.changes[f] = c
	}
	if c.under++; c.under > 1 {
		c.together = true
	}
}

// end is after that. info is what was written, nil what was deleted; without done
// nobody knows. What is listed meanwhile is not kept: it may be of before.
func (l *listings) end(f layer.File, info *ltx.FileInfo, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lv := l.level(f.Level)
	lv.spoil()
	c := lv.changes[f]
	if c.under--; c.under == 0 {
		delete(lv.changes, f)
	}
	w := lv.whole
	if w == nil || f.MinTXID < w.from {
		return
	}
	if !done || c.together {
		l.keep(lv, nil)
		return
	}
	next := &whole{w.from, w.since, changed(w.files, f, info)}
	if l.keep(lv, next); !l.room(0) {
		l.keep(lv, nil)
	}
}

// spoil lets nobody join what is under way, nor keep it.
func (lv *level) spoil() {
	clear(lv.running)
	for sh := range lv.all {
		sh.spoilt = true
	}
}

// changed returns the files with one put in, replaced or left out. Readers may have
// the slice: it is only appended to.
func changed(files []ltx.FileInfo, f layer.File, info *ltx.FileInfo) []ltx.FileInfo {
	at, found := slices.BinarySearchFunc(files, f, compare)
	switch {
	case info == nil && !found:
		return files
	case info == nil:
		return slices.Delete(slices.Clone(files), at, at+1)
	case found:
		files = slices.Clone(files)
		files[at] = *info
		return files
	case at == len(files):
		return append(files, *info)
	}
	return slices.Insert(slices.Clone(files), at, *info)
}

// forget drops everything: before and after all is deleted.
func (l *listings) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lv := range l.levels {
		lv.spoil()
		l.keep(lv, nil)
	}
}

// join returns the listing of a level that is under way, or a new one.
func (l *listings) join(ctx context.Context, n int, seek ltx.TXID) (sh *shared, joined bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lv := l.level(n)
	sh = lv.running[seek]
	if joined = sh != nil; !joined {
		sh = &shared{listings: l, level: lv, n: n, seek: seek, since: time.Now()}
		sh.ctx, sh.cancel = context.WithCancel(ltxstore.WithTorn(context.WithoutCancel(ctx), sh.tear))
		lv.running[seek], lv.all[sh] = sh, true
	}
	sh.readers++
	return sh, joined
}
