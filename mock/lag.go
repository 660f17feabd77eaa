package mock

import (
	"slices"
	"strings"
	"time"
)

// Lag is how long listings do not show a change, as in an eventually consistent
// store: a new file is missing, a replaced one has its old size and time, and a
// deleted one is still listed. Reads see the change immediately. If several
// fields are set, the lag lasts until all of them have passed. A later write or
// delete of the same file without a Lag ends it.
type Lag struct {
	// Listings is the number of listings of the file's level, by any client,
	// that do not show the change. A listing counts from its first Next.
	Listings int

	// Duration is how long the lag lasts, measured by Config.Clock.
	Duration time.Duration

	// Held keeps the listings as they are until Store.Settle.
	Held bool
}

// Settle ends every Lag so far: listings show what the store has.
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

// shown returns what the listing with the given number shows of e.
func (e *entry) shown(listing int, now time.Time) *Object {
	if e.lag == nil || e.lag.over(listing, now) {
		return e.current
	}
	return e.listed
}

// gone reports whether e has no object, current or listed.
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

// page returns the first limit objects below a directory whose keys come after
// a given one, and whether there are more.
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

// set stores o at key, or removes the object if o is nil. s.mu is held.
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

// change makes o the object of e. The caller removes e if it is gone afterwards.
// s.mu is held.
func (s *Store) change(e *entry, o *Object, lag Lag, now time.Time) {
	if lag == (Lag{}) {
		e.current, e.listed, e.lag = o, o, nil
		return
	}
	listings := s.listings[e.key[:strings.LastIndexByte(e.key, '/')+1]]
	e.current, e.listed = o, e.shown(listings+1, now)
	e.lag = &pendingLag{through: listings + lag.Listings, until: now.Add(lag.Duration), held: lag.Held}
}
