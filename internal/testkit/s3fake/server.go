package s3fake

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options configure the server. The zero value is like AWS.
type Options struct {
	// AccessKeyID and SecretAccessKey are the key whose signatures are
	// accepted; without one, all are. SessionToken, if set, is required too.
	AccessKeyID, SecretAccessKey, SessionToken string

	// Region is the region of the buckets. Empty means us-east-1. With
	// CheckRegion, a request that is signed for another one is redirected.
	Region      string
	CheckRegion bool

	// Domain makes "bucket.Domain" the host of a bucket. Without it, buckets
	// are only in the path.
	Domain string

	// Clock returns the time for LastModified. nil means time.Now.
	Clock func() time.Time

	// PageSize is the maximum number of keys in a page of a listing. 0 means
	// 1000.
	PageSize int

	// MinPart is the minimum size of all parts but the last; 0 means 5 MiB.
	// MaxParts is the highest part number; 0 means 10,000. With EqualParts, all
	// parts but the last must have the same size.
	MinPart    int64
	MaxParts   int
	EqualParts bool

	// Unsorted lists in another order. NoStartAfter ignores StartAfter,
	// IgnoreEncoding the encoding-type, and NoRange the range of a GET.
	Unsorted, NoStartAfter, IgnoreEncoding, NoRange bool

	// Omit are fields that listings and responses about objects do not include:
	// "ETag", "Size", "LastModified".
	Omit []string

	// NoBatchDelete makes the response to DeleteObjects 501. DeleteNeedsMD5
	// requires its Content-MD5 even with a checksum, and RefuseDeleteMD5
	// rejects it.
	NoBatchDelete, DeleteNeedsMD5, RefuseDeleteMD5 bool

	// RefuseChecksums rejects checksums in headers and trailers, as older
	// services do.
	RefuseChecksums bool

	// PlainSSEC accepts SSE-C keys without TLS.
	PlainSSEC bool
}

// Server is the server. New returns one. It is safe for concurrent use.
type Server struct {
	opt Options

	mu      sync.Mutex
	buckets map[string]*bucket
	uploads int // so far: upload IDs
	failing func(key string) (code string)
}

// New returns a server with empty buckets of these names.
func New(opt Options, buckets ...string) *Server {
	if opt.Region == "" {
		opt.Region = "us-east-1"
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	if opt.PageSize == 0 {
		opt.PageSize = 1000
	}
	if opt.MinPart == 0 {
		opt.MinPart = 5 << 20
	}
	if opt.MaxParts == 0 {
		opt.MaxParts = 10_000
	}
	s := &Server{opt: opt, buckets: make(map[string]*bucket)}
	for _, name := range buckets {
		s.buckets[name] = newBucket()
	}
	return s
}

// request is a request that is being served.
type request struct {
	*http.Request
	query       url.Values
	bucket, key string
	sign        *signing // nil: anonymous, and that is allowed
}

// Operation returns the name of a request's operation in S3's documentation:
// "PutObject", "UploadPart". It can be used with httpfault's Name for buckets
// in the path.
func Operation(r *http.Request) string {
	return operation(r, pathOf(r, ""))
}

func operation(r *http.Request, target [2]string) string {
	q, key := r.URL.Query(), target[1]
	has := q.Has
	switch {
	case target[0] == "":
		return r.Method
	case key == "" && r.Method == http.MethodGet:
		switch {
		case has("uploads"):
			return "ListMultipartUploads"
		case q.Get("list-type") == "2":
			return "ListObjectsV2"
		case has("location"):
			return "GetBucketLocation"
		}
	case key == "":
		switch {
		case r.Method == http.MethodPost && has("delete"):
			return "DeleteObjects"
		case r.Method == http.MethodHead:
			return "HeadBucket"
		case r.Method == http.MethodPut && len(q) == 0:
			return "CreateBucket"
		}
	case r.Method == http.MethodHead:
		return "HeadObject"
	case r.Method == http.MethodGet && has("uploadId"):
		return "ListParts"
	case r.Method == http.MethodGet:
		return "GetObject"
	case r.Method == http.MethodPost && has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPost && has("uploadId"):
		return "CompleteMultipartUpload"
	case r.Method == http.MethodPut && has("partNumber"):
		return "UploadPart"
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") == "":
		return "PutObject"
	case r.Method == http.MethodDelete && has("uploadId"):
		return "AbortMultipartUpload"
	case r.Method == http.MethodDelete:
		return "DeleteObject"
	}
	return "Unknown"
}

// pathOf returns the bucket and the key of a request.
func pathOf(r *http.Request, domain string) [2]string {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host, _, _ := strings.Cut(r.Host, ":")
	if name, ok := strings.CutSuffix(host, "."+domain); ok && domain != "" {
		return [2]string{name, path}
	}
	name, key, _ := strings.Cut(path, "/")
	return [2]string{name, key}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	target := pathOf(hr, s.opt.Domain)
	r := &request{Request: hr, query: hr.URL.Query(), bucket: target[0], key: target[1]}
	w.Header().Set("X-Amz-Request-Id", "s3fake")
	if err := s.serve(w, r, operation(hr, target)); err != nil {
		s.sendError(w, r, err)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *request, operation string) error {
	if s.lookup(r.bucket) != nil && operation == "HeadBucket" {
		w.Header().Set("X-Amz-Bucket-Region", s.opt.Region)
	}
	if err := s.authorize(r); err != nil {
		if err.Code == "PermanentRedirect" {
			w.Header().Set("X-Amz-Bucket-Region", s.opt.Region)
		}
		return err
	}
	if operation == "CreateBucket" {
		return s.createBucket(w, r)
	}
	handlers := map[string]func(http.ResponseWriter, *request) error{
		"HeadBucket":              func(http.ResponseWriter, *request) error { return nil },
		"ListObjectsV2":           s.listObjects,
		"ListMultipartUploads":    s.listUploads,
		"DeleteObjects":           s.deleteObjects,
		"DeleteObject":            s.deleteObject,
		"HeadObject":              s.getObject,
		"GetObject":               s.getObject,
		"PutObject":               s.putObject,
		"CreateMultipartUpload":   s.createUpload,
		"UploadPart":              s.uploadPart,
		"ListParts":               s.listParts,
		"CompleteMultipartUpload": s.completeUpload,
		"AbortMultipartUpload":    s.abortUpload,
	}
	handle, ok := handlers[operation]
	switch {
	case !ok:
		return fail(http.StatusNotImplemented, "NotImplemented", r.Method+" "+r.URL.RequestURI())
	case s.lookup(r.bucket) == nil:
		return fail(http.StatusNotFound, "NoSuchBucket", r.bucket)
	}
	return handle(w, r)
}

func (s *Server) createBucket(w http.ResponseWriter, r *request) error {
	if _, err := s.body(r); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[r.bucket] != nil {
		return fail(http.StatusConflict, "BucketAlreadyOwnedByYou", r.bucket)
	}
	s.buckets[r.bucket] = newBucket()
	w.Header().Set("Location", "/"+r.bucket)
	return nil
}

func (s *Server) lookup(name string) *bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buckets[name]
}

func (s *Server) omits(field string) bool { return slices.Contains(s.opt.Omit, field) }
