// Package ossfake is a strict fake of Alibaba Cloud's Object Storage Service for
// tests: the operations that package oss uses, with the signatures, error codes,
// conditions and limits documented in its API reference. There is no other server
// for this protocol.
//
// It rejects unknown requests, headers and parameters, so that tests find what
// is sent by mistake.
package ossfake

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options configure the server. The zero value is like the service.
type Options struct {
	// ID and Secret are the access key that signs requests for Region.
	ID, Secret, Region string

	// Clock returns the current time. nil means time.Now.
	Clock func() time.Time

	// PageSize is the maximum number of entries in a page of a listing. 0 means
	// 1000.
	PageSize int
}

// Server is the server. New returns one. It is safe for concurrent use.
type Server struct {
	opt Options

	mu      sync.Mutex
	buckets map[string]*bucket
	serial  int
	failing func(key string) bool
}

type bucket struct {
	objects map[string]*Object
	uploads map[string]*upload // by key, NUL and ID
}

// Object is a stored object.
type Object struct {
	Body     []byte
	ETag     string
	Modified time.Time
	Metadata map[string]string
	Class    string
	SSE      string
}

type upload struct {
	object Object
	once   bool
	parts  map[int][]byte
}

// New returns a server with empty buckets of these names.
func New(opt Options, buckets ...string) *Server {
	opt.PageSize = cmp.Or(opt.PageSize, 1000)
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	s := &Server{opt: opt, buckets: make(map[string]*bucket)}
	for _, name := range buckets {
		s.buckets[name] = &bucket{objects: make(map[string]*Object), uploads: make(map[string]*upload)}
	}
	return s
}

// Operation returns the name of a request's operation in the service's
// documentation. It can be used with httpfault's Name.
func Operation(r *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case key == "" && r.Method == http.MethodGet && q.Get("list-type") == "2":
		return "ListObjectsV2"
	case key == "" && r.Method == http.MethodGet && q.Has("uploads"):
		return "ListMultipartUploads"
	case key == "" && r.Method == http.MethodPost && q.Has("delete"):
		return "DeleteMultipleObjects"
	case key == "":
		return ""
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "InitiateMultipartUpload"
	case q.Has("uploadId"):
		return map[string]string{"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload", "GET": "ListParts"}[r.Method]
	}
	return map[string]string{"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}[r.Method]
}

// failure is the service's error.
type failure struct {
	status int
	code   string
	header http.Header
}

func (f *failure) Error() string { return f.code }

func fail(status int, code string) error { return &failure{status: status, code: code} }

// request is a request that is being served.
type request struct {
	*http.Request
	bucket *bucket
	name   string // of the bucket
	key    string
	body   []byte
	unlock func() // the server, so that an answer may wait for its reader
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	name, key, _ := strings.Cut(strings.TrimPrefix(hr.URL.Path, "/"), "/")
	w.Header().Set("X-Oss-Request-Id", "ossfake")
	w.Header().Set("Date", s.opt.Clock().UTC().Format(http.TimeFormat))
	if err := s.serve(w, &request{Request: hr, name: name, key: key}); err != nil {
		s.sendError(w, hr, err)
	}
}

func (s *Server) sendError(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := err.(*failure)
	if !ok {
		f = &failure{status: http.StatusBadRequest, code: "InvalidArgument"}
	}
	for name := range f.header {
		w.Header().Set(name, f.header.Get(name))
	}
	text := fmt.Sprintf("%s<Error><Code>%s</Code><Message>told of %s.</Message><RequestId>ossfake</RequestId></Error>", xml.Header, f.code, f.code)
	if r.Method == http.MethodHead {
		w.Header().Set("X-Oss-Err", base64.StdEncoding.EncodeToString([]byte(text)))
		text = ""
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, text) // the client has gone
}

func (s *Server) serve(w http.ResponseWriter, r *request) error {
	handle, ok := map[string]func(http.ResponseWriter, *request) error{
		"PutObject": s.putObject, "GetObject": s.getObject, "HeadObject": s.getObject, "DeleteObject": s.deleteObject,
		"DeleteMultipleObjects": s.deleteObjects, "ListObjectsV2": s.listObjects, "ListMultipartUploads": s.listUploads,
		"InitiateMultipartUpload": s.initiate, "UploadPart": s.uploadPart, "CompleteMultipartUpload": s.complete,
		"AbortMultipartUpload": s.abort, "ListParts": s.listParts,
	}[Operation(r.Request)]
	if !ok {
		return fail(http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
	for _, check := range []func() error{r.known, func() error { return s.authorize(r) }, r.read} {
		if err := check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	r.unlock = sync.OnceFunc(s.mu.Unlock)
	defer r.unlock()
	if r.bucket = s.buckets[r.name]; r.bucket == nil {
		return fail(http.StatusNotFound, "NoSuchBucket")
	}
	return handle(w, r)
}

var headers = []string{
	"Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Md5", "Content-Type", "Date", "If-Match", "Range", "User-Agent",
	"X-Oss-Content-Sha256", "X-Oss-Date", "X-Oss-Forbid-Overwrite", "X-Oss-Range-Behavior", "X-Oss-Security-Token",
	"X-Oss-Server-Side-Encryption", "X-Oss-Server-Side-Encryption-Key-Id", "X-Oss-Storage-Class",
}

var parameters = []string{"continuation-token", "delete", "delimiter", "encoding-type", "key-marker", "list-type", "max-keys", "max-parts",
	"partNumber", "prefix", "start-after", "upload-id-marker", "uploadId", "uploads"}

// known returns an error for a header or parameter that the service would ignore.
func (r *request) known() error {
	for name := range r.Header {
		if !strings.HasPrefix(name, "X-Oss-Meta-") && !slices.Contains(headers, name) {
			return fail(http.StatusBadRequest, "InvalidArgument")
		}
	}
	for name := range r.URL.Query() {
		if !slices.Contains(parameters, name) {
			return fail(http.StatusBadRequest, "InvalidArgument")
		}
	}
	return nil
}

// read reads the whole body and compares its MD5. It fails if the body is
// truncated.
func (r *request) read() (err error) {
	if r.Method != http.MethodPut && r.Method != http.MethodPost {
		return nil
	}
	// The SDK announces no length of a body that it does not have.
	if r.ContentLength < 0 && Operation(r.Request) != "InitiateMultipartUpload" {
		return fail(http.StatusLengthRequired, "MissingContentLength")
	}
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), 64<<20)+bytes.MinRead)) // a large one is not to grow step by step
	if _, err := body.ReadFrom(r.Body); err != nil {
		return fail(http.StatusBadRequest, "RequestTimeout")
	}
	r.body = body.Bytes()
	if given := r.Header.Get("Content-Md5"); given != "" {
		if sum := md5.Sum(r.body); given != base64.StdEncoding.EncodeToString(sum[:]) {
			return fail(http.StatusBadRequest, "InvalidDigest")
		}
	}
	return nil
}
