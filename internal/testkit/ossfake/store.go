package ossfake

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// Put stores an object as another program would: without metadata.
func (s *Server) Put(bucket, key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	s.buckets[bucket].objects[key] = &Object{Body: bytes.Clone(body), ETag: tagOf(body), Modified: s.opt.Clock().UTC()}
}

// Get returns an object, which must not be changed.
func (s *Server) Get(bucket, key string) (Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.buckets[bucket].objects[key]; o != nil {
		return *o, true
	}
	return Object{}, false
}

// Strip removes an object's metadata, as a copy by another tool does. It reports
// whether there is such an object.
func (s *Server) Strip(bucket, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.buckets[bucket].objects[key]
	if o == nil {
		return false
	}
	stripped := *o
	stripped.Metadata = nil
	s.buckets[bucket].objects[key] = &stripped
	return true
}

// Begin leaves an unfinished upload, as a writer that was killed does.
func (s *Server) Begin(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[bucket].uploads[key+"\x00killed"] = &upload{parts: map[int][]byte{1: []byte("part")}}
}

// Keys returns the names of a bucket's objects, sorted.
func (s *Server) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.buckets[bucket].objects))
}

// Uploads returns the names that have unfinished uploads, sorted.
func (s *Server) Uploads(bucket string) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.buckets[bucket].uploads)) {
		key, _, _ := strings.Cut(name, "\x00")
		keys = append(keys, key)
	}
	return keys
}

// FailDeletes refuses to delete the objects for which match is true.
func (s *Server) FailDeletes(match func(key string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = match
}
