package gcsfake

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Options configure the server. The zero value is like the service, without
// authentication.
type Options struct {
	// Token, if set, is the bearer token that every request must have.
	Token string

	// Denied makes the response to every request 403.
	Denied bool

	// UserProject is the project that every request must have, as for a bucket
	// for which the requester pays. Empty means any or none.
	UserProject string

	// Clock returns the current time. nil means time.Now.
	Clock func() time.Time

	// PageSize is the maximum number of objects and prefixes in a page of a
	// listing. 0 means 1000.
	PageSize int

	// Omit are fields that responses do not include, nor the corresponding
	// headers: "crc32c", "md5Hash" (which is then not computed), "timeCreated",
	// "metadata".
	Omit []string

	// Eager stores a multipart upload at its closing boundary, before the
	// request's body has ended. The client library sends that boundary even
	// when its source failed, and then breaks the connection.
	Eager bool
}

// Server is the server. New returns one. It is safe for concurrent use.
type Server struct {
	opt Options

	mu         sync.Mutex
	buckets    map[string]*bucket
	generation int64 // the last one given
	begun      int   // sessions so far: their IDs
	failing    func(key string) (reason string)
}

// New returns a server with empty buckets of these names.
func New(opt Options, buckets ...string) *Server {
	opt.PageSize = cmp.Or(opt.PageSize, 1000)
	if opt.Clock == nil {
		opt.Clock = time.Now
	}
	s := &Server{opt: opt, buckets: make(map[string]*bucket), generation: 1_700_000_000_000_000}
	for _, name := range buckets {
		s.buckets[name] = newBucket()
	}
	return s
}

// request is a request that is being served.
type request struct {
	*http.Request
	query url.Values
	route
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := &request{Request: hr, query: hr.URL.Query(), route: routeOf(hr)}
	w.Header().Set("X-Guploader-Uploadid", "gcsfake")
	if err := s.serve(w, r); err != nil {
		sendError(w, r, err)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *request) error {
	handlers := map[string]func(http.ResponseWriter, *request) error{
		"GetBucket":            s.getBucket,
		"ListObjects":          s.listObjects,
		"GetObject":            s.getObject,
		"ReadObject":           s.readObject,
		"HeadObject":           s.readObject,
		"UpdateObject":         s.updateObject,
		"DeleteObject":         s.deleteObject,
		"WriteObject":          s.writeObject,
		"StartResumableWrite":  s.startSession,
		"WriteChunk":           s.writeChunk,
		"QueryWriteStatus":     s.writeChunk,
		"CancelResumableWrite": s.cancelSession,
	}
	handle, ok := handlers[r.operation]
	if !ok {
		return fail(http.StatusNotImplemented, "notImplemented", r.Method+" "+r.URL.RequestURI())
	}
	if err := s.authorize(r); err != nil {
		return err
	}
	if s.lookup(r.bucket) == nil {
		return fail(http.StatusNotFound, "notFound", noBucket)
	}
	if err := r.known(); err != nil {
		return err
	}
	return handle(w, r)
}

func (s *Server) authorize(r *request) error {
	given := r.Header.Get("Authorization")
	switch {
	case s.opt.Token != "" && given == "":
		return fail(http.StatusUnauthorized, "required", "Anonymous caller does not have access to the Google Cloud Storage bucket.")
	case s.opt.Token != "" && given != "Bearer "+s.opt.Token:
		return fail(http.StatusUnauthorized, "authError", "Invalid Credentials")
	case s.opt.Denied:
		return fail(http.StatusForbidden, "forbidden", "The caller does not have permission to access the Google Cloud Storage bucket.")
	}
	payer := cmp.Or(r.query.Get("userProject"), r.Header.Get("X-Goog-User-Project"))
	switch want := s.opt.UserProject; {
	case want == "" || payer == want:
		return nil
	case payer == "":
		return fail(http.StatusBadRequest, "userProjectMissing", "Bucket is a requester pays bucket but no user project provided.")
	}
	return fail(http.StatusForbidden, "userProjectAccessDenied", "The caller may not bill the project "+payer+".")
}

func (s *Server) getBucket(w http.ResponseWriter, r *request) error {
	return sendJSON(w, r, map[string]any{
		"kind": "storage#bucket", "id": r.bucket, "name": r.bucket, "metageneration": "1",
		"location": "US", "locationType": "multi-region", "storageClass": standard,
	})
}

func (s *Server) lookup(name string) *bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buckets[name]
}

func (s *Server) omits(field string) bool { return slices.Contains(s.opt.Omit, field) }
