package gcsfake

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Object is a stored object. Body and Metadata must not be changed.
type Object struct {
	Body                       []byte
	CRC32C, MD5                string // in base64
	Generation, Metageneration int64
	Created, Updated           time.Time

	ContentType, ContentEncoding, CacheControl string

	Metadata     map[string]string
	StorageClass string
	KMSKeyName   string
	KeySHA256    string // of the customer's own key, in base64
}

const standard = "STANDARD"

type bucket struct {
	objects  map[string]*Object
	keys     []string            // sorted
	sessions map[string]*session // by ID
}

func newBucket() *bucket {
	return &bucket{objects: make(map[string]*Object), sessions: make(map[string]*session)}
}

// put stores a new object. The lock is held.
func (s *Server) put(name, key string, o *Object) {
	b := s.buckets[name]
	if i, found := slices.BinarySearch(b.keys, key); !found {
		b.keys = slices.Insert(b.keys, i, key)
	}
	s.generation++
	now := s.opt.Clock()
	o.Generation, o.Metageneration, o.Created, o.Updated = s.generation, 1, now, now
	o.CRC32C = crc32cOf(o.Body)
	if !s.omits("md5Hash") {
		o.MD5 = md5Of(o.Body)
	}
	b.objects[key] = o
}

// change stores the object with other metadata. The lock is held.
func (s *Server) change(name, key string, o Object) *Object {
	o.Metageneration++
	o.Updated = s.opt.Clock()
	s.buckets[name].objects[key] = &o
	return &o
}

func (b *bucket) remove(key string) {
	if i, found := slices.BinarySearch(b.keys, key); found {
		b.keys = slices.Delete(b.keys, i, i+1)
	}
	delete(b.objects, key)
}

// Put stores an object as another program would: without metadata.
func (s *Server) Put(bucket, key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(bucket, key, &Object{Body: slices.Clone(body), ContentType: "application/octet-stream", StorageClass: standard})
}

// PutEncoded is Put with a Content-Encoding.
func (s *Server) PutEncoded(bucket, key, encoding string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(bucket, key, &Object{Body: slices.Clone(body), ContentEncoding: encoding, StorageClass: standard})
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
	stripped.Metadata = nil
	s.change(bucket, key, stripped)
	return true
}

// Keys returns a bucket's keys, sorted.
func (s *Server) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.buckets[bucket].keys)
}

// Sessions returns the keys of a bucket's unfinished resumable uploads, sorted.
func (s *Server) Sessions(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for session := range maps.Values(s.buckets[bucket].sessions) {
		if session.made == nil {
			keys = append(keys, session.key)
		}
	}
	slices.Sort(keys)
	return keys
}

// FailDeletes makes the deletion of the keys fail for which reason is not
// empty, with that reason: 429 for "rateLimitExceeded", 503 for "backendError",
// 403 for any other.
func (s *Server) FailDeletes(reason func(key string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = reason
}

// validName reports whether the service accepts the name of an object.
// https://cloud.google.com/storage/docs/objects#naming
func validName(key string) bool {
	return key != "" && len(key) <= 1024 && strings.ToValidUTF8(key, "") == key && !strings.ContainsAny(key, "\r\n") &&
		key != "." && key != ".." && !strings.HasPrefix(key, ".well-known/acme-challenge/")
}
