package cache

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// listings are the kept listings of levels.
type listings struct {
	ttl   time.Duration
	bound int // files of one listing

	mu     sync.Mutex
	levels map[int]*level
}

// level is a level until this client changes it.
type level struct{ kept *listing }

type listing struct {
	from  ltx.TXID
	since time.Time
	files []ltx.FileInfo // sorted once kept; those of Size 0 are torn
}

// get returns the kept listing of a level from seek on.
func (l *listings) get(n int, seek ltx.TXID) ([]ltx.FileInfo, bool) {
	kept := l.kept(n)
	if kept == nil || seek < kept.from || time.Since(kept.since) >= l.ttl {
		return nil, false
	}
	at, _ := slices.BinarySearchFunc(kept.files, seek, func(info ltx.FileInfo, seek ltx.TXID) int { return cmp.Compare(info.MinTXID, seek) })
	return kept.files[at:], true
}

// stampOf returns what the kept listing, even if expired, says about a file, or nil.
func (l *listings) stampOf(f layer.File) *stamp {
	kept := l.kept(f.Level)
	if kept == nil {
		return nil
	}
	at, found := slices.BinarySearchFunc(kept.files, f.Info(), compare)
	if !found {
		return nil
	}
	return &stamp{kept.files[at].Size, kept.files[at].CreatedAt}
}

func compare(a, b ltx.FileInfo) int { return layer.Compare(&a, &b) }

// kept returns the kept listing of a level, or nil.
func (l *listings) kept(n int) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lv := l.levels[n]; lv != nil {
		return lv.kept
	}
	return nil
}

// files returns how many files the kept listings have.
func (l *listings) files() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lv := range l.levels {
		if lv.kept != nil {
			n += len(lv.kept.files)
		}
	}
	return n
}

// forget drops the listing of a level after a change of it. Those in progress will not be
// kept, because they may lack the change.
func (l *listings) forget(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.levels, n)
}

// clear forgets all levels.
func (l *listings) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.levels)
}

// record returns the recorder of a listing that begins.
func (l *listings) record(n int, seek ltx.TXID) *recorder {
	l.mu.Lock()
	defer l.mu.Unlock()
	lv := l.levels[n]
	if lv == nil {
		lv = &level{}
		l.levels[n] = lv
	}
	return &recorder{listings: l, n: n, level: lv, listing: &listing{from: seek, since: time.Now()}}
}

// add adds a file, if there is room.
func (r *recorder) add(file ltx.FileInfo) {
	r.listings.mu.Lock()
	defer r.listings.mu.Unlock()
	if r.tooLong = r.tooLong || len(r.files) == r.listings.bound; r.tooLong {
		r.files = nil
		return
	}
	r.files = append(r.files, file)
}

// keep keeps the listing, unless it is too long or the level has changed meanwhile.
func (r *recorder) keep() {
	r.listings.mu.Lock()
	defer r.listings.mu.Unlock()
	if !r.tooLong && r.listings.levels[r.n] == r.level {
		slices.SortFunc(r.files, compare) // the store reports torn files ahead of others
		r.level.kept = r.listing
	}
}
