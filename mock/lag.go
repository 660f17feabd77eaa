package mock

import (
	"slices"
	"strings"
	"time"
)

// Lag is how long listings do not show what was written or deleted, as in an
// eventually consistent store: a new file is missing, a replaced one has its
// old size and time, a deleted one is still listed. Reads see the change at
// once. If several fields are set, the lag lasts until all of them are over.
// A later write or delete of the same file without a Lag ends it.
type Lag struct {
	// Listings is how many of the next listings of the file's level, by any
	// client, do not show it. A listing counts from its first Next on.
	Listings int

	// Duration is how long the lag lasts by Config.Clock.
	Duration time.Duration

	// Held keeps the listings as they are until Store.Settle.
	Held bool
}

// Settle makes all listings from now on show what the store has: every Lag so
// far is over.
func (s *Store) Settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		e.listed, e.lag = e.current, nil
	}
	s.entries = slices.DeleteFunc(s.entries, (*entry).gone)
}

// entry is an object as it is and as listings show it; nil is none.
type entry struct {
	key             string
	current, listed *Object
	lag             *pendingLag // nil: listings show current
}

type pendingLag struct {
	through int // the last listing of the directory that does not show current
	until   time.Time
	held    bool
}

func (l *pendingLag) over(listing int, now time.Time) bool {
	return !l.held && listing > l.through && !now.Before(l.until)
}

// shown returns what the listing of a number shows of e.
func (e *entry) shown(listing int, now time.Time) *Object {
	if e.lag == nil || e.lag.over(listing, now) {
		return e.current
	}
	return e.listed
}

// gone reports whether nothing remembers e.
func (e *entry) gone() bool { return e.current == nil && e.lag == nil }

// beginListing returns the number of a new listing of a directory.
func (s *Store) beginListing(dir string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listings == nil {
		s.listings = make(map[string]int)
	}
	s.listings[dir]++
	return s.listings[dir]
}

// page returns the first limit objects of a directory and below it whose keys
// come after a given one, and whether there are more.
func (s *Store) page(dir, after string, limit, listing int, now time.Time) (objects []keyed, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.from(after) {
		if !strings.HasPrefix(e.key, dir) {
			break
		}
		o := e.shown(listing, now)
		if o == nil || e.key == after {
			continue
		}
		if len(objects) == limit {
			return objects, true
		}
		objects = append(objects, keyed{e.key, o})
	}
	return objects, false
}

// set makes o, or nothing if it is nil, what key holds. s.mu is held.
func (s *Store) set(key string, o *Object, lag Lag, now time.Time) {
	i, ok := s.find(key)
	if !ok {
		s.entries = slices.Insert(s.entries, i, &entry{key: key})
	}
	e := s.entries[i]
	s.change(e, o, lag, now)
	if e.gone() {
		s.entries = slices.Delete(s.entries, i, i+1)
	}
}

// change makes o what e holds, and leaves it to the caller to drop e if it is
// then gone. s.mu is held.
func (s *Store) change(e *entry, o *Object, lag Lag, now time.Time) {
	if lag == (Lag{}) {
		e.current, e.listed, e.lag = o, o, nil
		return
	}
	listings := s.listings[e.key[:strings.LastIndexByte(e.key, '/')+1]]
	e.current, e.listed = o, e.shown(listings+1, now)
	e.lag = &pendingLag{through: listings + lag.Listings, until: now.Add(lag.Duration), held: lag.Held}
}
