package s3fake

import (
	"crypto/md5"
	"encoding/hex"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Object is a stored object. Body must not be changed.
type Object struct {
	Body     []byte
	ETag     string // quoted
	Modified time.Time

	// Header has the properties that the writer set: content type, metadata,
	// storage class, encryption, tags.
	Header http.Header

	// Checksums has the checksums by algorithm ("crc32"), in base64; a
	// composite one includes the number of parts.
	Checksums map[string]string

	keyMD5 string // of SSE-C
}

type bucket struct {
	objects map[string]*Object
	uploads map[string]*upload // by ID
	order   []string           // the keys in the order of listing; nil: not known
}

func newBucket() *bucket {
	return &bucket{objects: make(map[string]*Object), uploads: make(map[string]*upload)}
}

func (b *bucket) put(key string, o *Object) {
	if b.objects[key] == nil {
		b.order = nil
	}
	b.objects[key] = o
}

func (b *bucket) remove(key string) {
	if b.objects[key] != nil {
		b.order = nil
		delete(b.objects, key)
	}
}

func (b *bucket) sorted(rank func(string) string) []string {
	if b.order == nil {
		b.order = slices.SortedFunc(maps.Keys(b.objects), func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
	}
	return b.order
}

// rank determines the order of keys in listings.
func (s *Server) rank(key string) string {
	if !s.opt.Unsorted {
		return key
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	return string(h.Sum(nil)) + key
}

func etagOf(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// Put stores an object as another program would: without metadata or checksums.
func (s *Server) Put(bucket, key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[bucket].put(key, &Object{
		Body: slices.Clone(body), ETag: etagOf(body), Modified: s.opt.Clock(), Header: make(http.Header),
	})
}

// Get returns an object.
func (s *Server) Get(bucket, key string) (Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.buckets[bucket].objects[key]
	if o == nil {
		return Object{}, false
	}
	return *o, true
}

// Strip removes an object's metadata, as a copy by another tool does. It
// reports whether there is such an object.
func (s *Server) Strip(bucket, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.buckets[bucket].objects[key]
	if o == nil {
		return false
	}
	stripped := *o
	stripped.Header = o.Header.Clone()
	maps.DeleteFunc(stripped.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, metaPrefix) })
	s.buckets[bucket].put(key, &stripped)
	return true
}

// Keys returns a bucket's keys, sorted.
func (s *Server) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.buckets[bucket].objects))
}

// Uploads returns the keys of a bucket's unfinished multipart uploads, sorted.
func (s *Server) Uploads(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, u := range s.buckets[bucket].uploads {
		keys = append(keys, u.key)
	}
	slices.Sort(keys)
	return keys
}

// AddUpload begins a multipart upload that is not completed.
func (s *Server) AddUpload(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newUpload(bucket, &upload{key: key, header: make(http.Header)})
}

// FailDeletes makes the deletion of the keys fail for which code is not empty,
// alone (403) or within a DeleteObjects, with that code.
func (s *Server) FailDeletes(code func(key string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = code
}
