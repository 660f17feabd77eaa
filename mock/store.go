package mock

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Store is a bucket in memory: objects by their key. Several clients may share
// it. Its methods are for a test to look behind the client, to plant strangers
// and to do damage; they are not logged, know no faults, and are safe for
// concurrent use. The zero value is an empty store. A Store must not be copied
// after first use.
type Store struct {
	mu        sync.Mutex
	entries   []*entry          // sorted by key
	lagging   map[string]*entry // those that listings show as they were
	listings  map[string]int    // begun so far, by directory
	leftovers map[string]int
	requests  int64
	id        string // see name
}

// Object is what a key of a Store holds.
type Object struct {
	Body []byte

	// Metadata is what the client keeps beside the body: "litestream-timestamp"
	// (of an LTX file: its header's time as time.RFC3339Nano in UTC),
	// "min-txid", "max-txid" and "level" (in decimal). A copy of a bucket by
	// another tool may lack it.
	Metadata map[string]string

	// ModTime is the time at which the object was stored.
	ModTime time.Time
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{} }

// Put stores a copy of obj, whatever the key looks like. A zero ModTime is
// replaced by time.Now.
func (s *Store) Put(key string, obj Object) {
	if obj.ModTime.IsZero() {
		obj.ModTime = time.Now()
	}
	o := obj.clone()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(key, &o, Lag{}, time.Time{})
}

// Get returns a copy of an object, and whether it is there.
func (s *Store) Get(key string) (Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.find(key); ok && s.entries[i].current != nil {
		return s.entries[i].current.clone(), true
	}
	return Object{}, false
}

// Delete removes an object and reports whether it was there.
func (s *Store) Delete(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.find(key)
	if !ok || s.entries[i].current == nil {
		return false
	}
	s.set(key, nil, Lag{}, time.Time{})
	return true
}

// Keys returns the keys of all objects in order, without leftovers. It is what
// the store has: a Lag does not show.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]string, 0, len(s.entries))
	for _, e := range s.entries {
		if e.current != nil {
			keys = append(keys, e.key)
		}
	}
	return keys
}

// Requests returns how many requests the clients have made of the store so far,
// as an object store would bill them: each page of a listing, each lookup of a
// file's time (two where its header must be read) and each opening, writing and deletion of a file is one, and so
// is DeleteAll. The methods of Store are none.
func (s *Store) Requests() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// AddLeftover adds an unfinished upload of key, such as a killed process
// leaves behind. No listing shows it, and DeleteAll removes it with the
// replica it belongs to.
func (s *Store) AddLeftover(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leftovers == nil {
		s.leftovers = make(map[string]int)
	}
	s.leftovers[key]++
}

// Leftovers returns the keys of the unfinished uploads in order, each as often
// as there are uploads of it.
func (s *Store) Leftovers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := []string{}
	for _, key := range slices.Sorted(maps.Keys(s.leftovers)) {
		for range s.leftovers[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

func (o Object) clone() Object {
	return Object{Body: bytes.Clone(o.Body), Metadata: maps.Clone(o.Metadata), ModTime: o.ModTime.UTC().Round(0)}
}

// get returns an object, which nobody changes from then on, or nil.
func (s *Store) get(key string) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if i, ok := s.find(key); ok {
		return s.entries[i].current
	}
	return nil
}

// publish stores o and returns what is then stored: with once, an object that
// was there before and equals o, or fs.ErrExist if it differs.
func (s *Store) publish(key string, o *Object, once bool, lag Lag, now time.Time) (*Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if once {
		if i, ok := s.find(key); ok && s.entries[i].current != nil {
			before := s.entries[i].current
			if !bytes.Equal(before.Body, o.Body) {
				return nil, fs.ErrExist
			}
			return before, nil
		}
	}
	s.set(key, o, lag, now)
	return o, nil
}

// remove removes an object if it is there.
func (s *Store) remove(key string, lag Lag, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if i, ok := s.find(key); ok && s.entries[i].current != nil {
		s.set(key, nil, lag, now)
	}
}

// removeAll removes the objects and leftovers below prefix that belong.
func (s *Store) removeAll(prefix string, belongs func(key string) bool, lag Lag, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	first, _ := s.find(prefix)
	for _, e := range s.entries[first:] {
		if !strings.HasPrefix(e.key, prefix) {
			break
		}
		if e.current != nil && belongs(e.key) {
			s.change(e, nil, lag, now)
		}
	}
	s.entries = slices.DeleteFunc(s.entries, (*entry).gone)
	maps.DeleteFunc(s.leftovers, func(key string, _ int) bool { return belongs(key) })
}

// bill counts a request that needs nothing else of the store.
func (s *Store) bill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
}

func (s *Store) find(key string) (int, bool) {
	return slices.BinarySearchFunc(s.entries, key, func(e *entry, key string) int { return strings.Compare(e.key, key) })
}
