// Package absfake is a strict double of Azure's Blob service for tests: the
// operations that package abs uses, with the service's error codes, conditions
// and limits, as "Blob service REST API" has them. It knows StartFrom, which
// Azurite does not.
//
// A request that it does not know, with a header or parameter that it does not
// know included, fails: what is sent by mistake is found out.
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

// Options say what the server is like. The zero value is as the service is.
type Options struct {
	// SAS is the query that every request must carry, or else a signature by
	// Account's key, which is base64.
	SAS, Account, Key string

	// Clock is what times are read from. nil is time.Now.
	Clock func() time.Time

	// PageSize is the most entries of one page of a listing. 0 means 5000.
	PageSize int

	// NoStartFrom ignores startFrom, as Azurite does and older services do.
	NoStartFrom bool

	// NoRange ignores the range of a Get Blob.
	NoRange bool

	// Emulated answers a range that begins at the end with an empty 206, deletes
	// what was never committed, and lets no conditional Put Blob replace that, as
	// Azurite does.
	Emulated bool
}

// Server is the server. It is made by New and safe for concurrent use.
type Server struct {
	opt Options

	mu         sync.Mutex
	containers map[string]map[string]*Blob
	changes    int64 // so far: ETags
	failing    func(key string) bool
}

// Blob is a stored blob, and the blocks that are not committed. Those that it
// consists of are kept too.
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

// Operation names the operation of a request as Azure's documentation does,
// without spaces: "PutBlob", "ListBlobs". It suits httpfault's Name.
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

// request is one request on its way through the server.
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

// stamp makes the blob a new one. The lock is held.
func (s *Server) stamp(b *Blob) {
	s.changes++
	b.ETag, b.Modified, b.committed = fmt.Sprintf(`"0x8DC%012X"`, s.changes), s.opt.Clock().UTC().Truncate(time.Second), true
}
