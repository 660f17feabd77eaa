package mock

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Store is a bucket in memory: objects by key. Several clients may share it.
// With its methods a test can examine what a client stored, add foreign objects,
// and damage files; they are not logged, are not hit by faults, and are safe for
// concurrent use. The zero value is an empty store. A Store must not be copied
// after first use.
type Store struct {
	requests atomic.Int64

	mu        sync.Mutex
	entries   []*entry       // sorted by key
	listings  map[string]int // number begun so far, by directory
	leftovers []string
}

// Object is an object in a Store.
type Object struct {
	Body []byte

	// Metadata is what the client stores with the body: "litestream-timestamp"
	// (the time in the header of an LTX file as time.RFC3339Nano in UTC),
	// "min-txid", "max-txid" and "level" (in decimal). It may be missing if
	// another tool copied the bucket.
	Metadata map[string]string

	// ModTime is the time at which the object was stored.
	ModTime time.Time
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{} }

// Put stores a copy of obj at any key. A zero ModTime is replaced with time.Now.
func (s *Store) Put(key string, obj Object) {
	if obj.ModTime.IsZero() {
		obj.ModTime = time.Now()
	}
	o := obj.clone()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(key, &o, Lag{}, time.Time{})
}

// Get returns a copy of an object, and whether it exists.
func (s *Store) Get(key string) (Object, bool) {
	if o := s.get(key); o != nil {
		return o.clone(), true
	}
	return Object{}, false
}

// Delete removes an object and reports whether it existed.
func (s *Store) Delete(key string) bool { return s.remove(key, Lag{}, time.Time{}) }

// Keys returns the keys of all objects in order, without leftovers, regardless of
// any Lag.
func (s *Store) Keys() []string {
	keys := []string{}
	for _, o := range s.below("") {
		keys = append(keys, o.key)
	}
	return keys
}

// Requests returns the number of requests that clients have made so far, as an
// object store would bill them: one for each page of a listing, each lookup of a
// file's time (two if its header must be read), each open, write or deletion of
// a file, and each DeleteAll. The methods of Store make none.
func (s *Store) Requests() int64 { return s.requests.Load() }

// AddLeftover adds an unfinished upload of key, such as a killed process leaves
// behind. It is not listed, and DeleteAll removes it with the replica it belongs
// to.
func (s *Store) AddLeftover(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leftovers = append(s.leftovers, key)
}

// Leftovers returns the keys of the unfinished uploads in order, one for each
// upload.
func (s *Store) Leftovers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := append([]string{}, s.leftovers...)
	slices.Sort(keys)
	return keys
}

func (o Object) clone() Object {
	return Object{Body: bytes.Clone(o.Body), Metadata: maps.Clone(o.Metadata), ModTime: o.ModTime.UTC().Round(0)}
}

// get returns an object, or nil. Objects are never modified.
func (s *Store) get(key string) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current(key)
}

// current is get. s.mu is held.
func (s *Store) current(key string) *Object {
	if i, ok := s.find(key); ok {
		return s.entries[i].current
	}
	return nil
}

// keyed is an object with its key.
type keyed struct {
	key string
	*Object
}

// below returns the objects whose keys have a prefix, in order.
func (s *Store) below(prefix string) (objects []keyed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.from(prefix) {
		if !strings.HasPrefix(e.key, prefix) {
			break
		}
		if e.current != nil {
			objects = append(objects, keyed{e.key, e.current})
		}
	}
	return objects
}

// publish stores o and returns the stored object. With once, an object that
// already exists is kept: it is returned if it has the same content, and
// otherwise nil.
func (s *Store) publish(key string, o *Object, once bool, lag Lag) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.current(key); once && before != nil {
		if !bytes.Equal(before.Body, o.Body) {
			return nil
		}
		return before
	}
	s.set(key, o, lag, o.ModTime)
	return o
}

// remove removes an object and reports whether it existed.
func (s *Store) remove(key string, lag Lag, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.current(key) != nil
	if there {
		s.set(key, nil, lag, now)
	}
	return there
}

// removeAll removes the objects and leftovers below prefix that belong.
func (s *Store) removeAll(prefix string, belongs func(key string) bool, lag Lag, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.from(prefix) {
		if !strings.HasPrefix(e.key, prefix) {
			break
		}
		if e.current != nil && belongs(e.key) {
			s.change(e, nil, lag, now)
		}
	}
	s.entries = slices.DeleteFunc(s.entries, (*entry).gone)
	s.leftovers = slices.DeleteFunc(s.leftovers, belongs)
}

// from returns the entries from a key on. s.mu is held.
func (s *Store) from(key string) []*entry {
	i, _ := s.find(key)
	return s.entries[i:]
}

func (s *Store) find(key string) (int, bool) {
	return slices.BinarySearchFunc(s.entries, key, func(e *entry, key string) int { return strings.Compare(e.key, key) })
}
