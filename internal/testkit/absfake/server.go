// Package absfake is a strict fake of Azure's Blob service for tests: the
// operations that package abs uses, with the error codes, conditions and limits
// documented in "Blob service REST API". Unlike Azurite, it supports StartFrom.
//
// It rejects unknown requests, headers and parameters, so that tests find what
// is sent by mistake.
package absfake

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options configure the server. The zero value is like the service.
type Options struct {
	// SAS is the query that every request must have; without it, requests must
	// have a signature with Account's key, which is in base64.
	SAS, Account, Key string

	// Clock returns the current time. nil means time.Now.
	Clock func() time.Time

	// PageSize is the maximum number of entries in a page of a listing. 0 means
	// 5000.
	PageSize int

	// NoStartFrom ignores startFrom, as Azurite does and older services do.
	NoStartFrom bool

	// NoRange ignores the range of a Get Blob.
	NoRange bool

	// Emulated responds to a range that begins at the end with an empty 206,
	// deletes uncommitted blobs, and does not replace these with a conditional
	// Put Blob, as Azurite does.
	Emulated bool
}

// Server is the server. New returns one. It is safe for concurrent use.
type Server struct {
	opt Options

	mu         sync.Mutex
	containers map[string]map[string]*Blob
	changes    int64 // so far: ETags
	failing    func(key string) bool
}

// Blob is a stored blob with its blocks, committed or not.
type Blob struct {
	Body      []byte
	MD5       []byte
	ETag      string
	Modified  time.Time
	Metadata  map[string]string
	Tier      string
	Scope     string
	KeySHA256 string // of the customer's key

	committed   bool
	blocks      map[string][]byte
	uncommitted map[string][]byte
}

// New returns a server with empty containers of these names.
func New(opt Options, containers ...string) *Server {
	opt.PageSize = cmp.Or(opt.PageSize, 5000)
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	s := &Server{opt: opt, containers: make(map[string]map[string]*Blob)}
	for _, name := range containers {
		s.containers[name] = make(map[string]*Blob)
	}
	return s
}

// Operation returns the name of a request's operation in Azure's documentation,
// without spaces: "PutBlob", "ListBlobs". It can be used with httpfault's Name.
func Operation(r *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	comp := r.URL.Query().Get("comp")
	if key == "" {
		return map[string]string{"GET list": "ListBlobs", "POST batch": "BlobBatch"}[r.Method+" "+comp]
	}
	return map[string]string{
		"PUT ": "PutBlob", "PUT block": "PutBlock", "PUT blocklist": "PutBlockList", "GET ": "GetBlob",
		"HEAD ": "GetBlobProperties", "DELETE ": "DeleteBlob",
	}[r.Method+" "+comp]
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
	container, key string
	body           []byte
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	name, key, _ := strings.Cut(strings.TrimPrefix(hr.URL.Path, "/"), "/")
	r := &request{Request: hr, container: name, key: strings.ReplaceAll(key, `\`, "/")} // as Azurite says that Azure does
	w.Header().Set("X-Ms-Version", hr.Header.Get("X-Ms-Version"))
	w.Header().Set("X-Ms-Request-Id", "absfake")
	w.Header().Set("Date", s.opt.Clock().UTC().Format(http.TimeFormat))
	if err := s.serve(w, r); err != nil {
		sendError(w, hr, err)
	}
}

func sendError(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := err.(*failure)
	if !ok {
		f = &failure{status: http.StatusBadRequest, code: "InvalidInput"}
	}
	for name := range f.header {
		w.Header().Set(name, f.header.Get(name))
	}
	w.Header().Set("X-Ms-Error-Code", f.code)
	if r.Method == http.MethodHead {
		w.WriteHeader(f.status)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.status)
	fmt.Fprintf(w, "%s<Error><Code>%s</Code><Message>told of %s.\nRequestId:absfake</Message></Error>", xml.Header, f.code, f.code)
}

func (s *Server) serve(w http.ResponseWriter, r *request) error {
	handlers := map[string]func(http.ResponseWriter, *request) error{
		"ListBlobs": s.listBlobs, "BlobBatch": s.batch, "PutBlob": s.putBlob, "PutBlock": s.putBlock,
		"PutBlockList": s.putBlockList, "GetBlob": s.getBlob, "GetBlobProperties": s.getBlob, "DeleteBlob": s.deleteBlob,
	}
	handle, ok := handlers[Operation(r.Request)]
	if !ok {
		return fail(http.StatusBadRequest, "UnsupportedHttpVerb")
	}
	if err := s.authorize(r.Request); err != nil {
		return err
	}
	if err := r.known(); err != nil {
		return err
	}
	if err := r.read(); err != nil {
		return err
	}
	s.mu.Lock()
	_, ok = s.containers[r.container]
	s.mu.Unlock()
	if !ok {
		return fail(http.StatusNotFound, "ContainerNotFound")
	}
	return handle(w, r)
}

// of returns the container's blobs. The lock is held.
func (s *Server) of(r *request) map[string]*Blob { return s.containers[r.container] }

// stamp gives the blob a new ETag and time. The lock is held.
func (s *Server) stamp(b *Blob) {
	s.changes++
	b.ETag, b.Modified, b.committed = fmt.Sprintf(`"0x8DC%012X"`, s.changes), s.opt.Clock().UTC().Truncate(time.Second), true
}
