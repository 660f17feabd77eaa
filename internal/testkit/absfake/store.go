package absfake

import (
	"bytes"
	"crypto/md5"
	"maps"
	"slices"
)

// Put stores a blob as another program would: without metadata.
func (s *Server) Put(container, key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := md5.Sum(body)
	b := &Blob{Body: bytes.Clone(body), MD5: sum[:]}
	s.stamp(b)
	s.containers[container][key] = b
}

// Get returns a blob, which must not be changed.
func (s *Server) Get(container, key string) (Blob, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.containers[container][key]
	if b == nil || !b.committed {
		return Blob{}, false
	}
	return *b, true
}

// Strip removes a blob's metadata, as a copy by another tool does. It reports
// whether there is such a blob.
func (s *Server) Strip(container, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.containers[container][key]
	if b == nil {
		return false
	}
	stripped := *b
	stripped.Metadata = nil
	s.containers[container][key] = &stripped
	return true
}

// Stage leaves an uncommitted block, as a writer that was killed does.
func (s *Server) Stage(container, key, id string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[container][key] = &Blob{uncommitted: map[string][]byte{id: body}}
}

// Keys returns the names of a container's blobs, sorted.
func (s *Server) Keys(container string) []string {
	return s.names(container, func(b *Blob) bool { return b.committed })
}

// Uncommitted returns the names that have only uncommitted blocks, sorted.
func (s *Server) Uncommitted(container string) []string {
	return s.names(container, func(b *Blob) bool { return !b.committed })
}

func (s *Server) names(container string, is func(*Blob) bool) (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.containers[container])) {
		if is(s.containers[container][name]) {
			names = append(names, name)
		}
	}
	return names
}

// FailDeletes refuses to delete the blobs for which match is true.
func (s *Server) FailDeletes(match func(key string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = match
}
