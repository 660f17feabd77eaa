package cache

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// listings are the kept listings of all levels.
type listings struct {
	ttl   time.Duration
	bound int // files

	mu     sync.Mutex
	held   int // files, also of listings in progress
	levels map[int]*level
}

// level is the kept listing of a level.
type level struct {
	whole   *whole
	version int // changes whenever a write or a deletion has ended
	changes map[layer.File]*change
}

type whole struct {
	from  ltx.TXID
	since time.Time
	files []ltx.FileInfo // those of Size 0 are torn; once kept sorted, and only appended to
}

// change counts the writes and deletions of a file in progress. The result of concurrent
// ones is unknown.
type change struct {
	count    int
	together bool // there were several at once
}

// level is called with mu held.
func (l *listings) level(n int) *level {
	lv := l.levels[n]
	if lv == nil {
		lv = &level{changes: make(map[layer.File]*change)}
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

// stampOf returns what the kept listing, even if expired, says about a file, or nil.
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

func compareFiles(a, b ltx.FileInfo) int { return layer.Compare(&a, &b) }

func compare(info ltx.FileInfo, f layer.File) int { return compareFiles(info, f.Info()) }

// keep replaces the kept listing of a level. It is called with mu held.
func (l *listings) keep(lv *level, w *whole) {
	if lv.whole != nil {
		l.held -= len(lv.whole.files)
	}
	if lv.whole = w; w != nil {
		l.held += len(w.files)
	}
}

// room reports whether n more files may be kept, and drops expired listings if necessary.
// It is called with mu held.
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

// begin is called before this client writes or deletes a file.
func (l *listings) begin(f layer.File) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lv := l.level(f.Level)
	c := lv.changes[f]
	if c == nil {
		c = &change{}
		lv.changes[f] = c
	}
	if c.count++; c.count > 1 {
		c.together = true
	}
}

// end is called after that. info is the written file, or nil if it was deleted; unless done
// is true the result is unknown. Listings in progress will not be kept, because they may lack
// the change.
func (l *listings) end(f layer.File, info *ltx.FileInfo, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lv := l.level(f.Level)
	lv.version++
	c := lv.changes[f]
	if c.count--; c.count == 0 {
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

// changed returns the files with one inserted, replaced or removed. Readers may hold the
// slice, which is only appended to.
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

// forget drops all listings. It is called before and after DeleteAll.
func (l *listings) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lv := range l.levels {
		lv.version++
		l.keep(lv, nil)
	}
}

// record returns the recorder of a listing that begins.
func (l *listings) record(n int, seek ltx.TXID) *recorder {
	l.mu.Lock()
	defer l.mu.Unlock()
	lv := l.level(n)
	return &recorder{listings: l, level: lv, version: lv.version, whole: &whole{from: seek, since: time.Now()}}
}

// add adds a file, if there is room.
func (r *recorder) add(file ltx.FileInfo) {
	r.seen(file)
	l := r.listings
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.whole == nil:
	case l.room(1):
		r.whole.files = append(r.whole.files, file)
		l.held++
	default:
		l.held -= len(r.whole.files)
		r.whole = nil
	}
}

// end ends a listing. It is kept if it is complete, and nothing was changed meanwhile.
func (r *recorder) end(complete bool) {
	l := r.listings
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.whole == nil {
		return
	}
	l.held -= len(r.whole.files)
	if complete && r.version == r.level.version {
		slices.SortFunc(r.whole.files, compareFiles) // the store reports torn files ahead of others
		l.keep(r.level, r.whole)
	}
	r.whole = nil
}
