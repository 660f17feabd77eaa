package thirdparty

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const secret = "kv-token-6f1c2a"

// server is the service: buckets of one server are in one directory of the
// disk, so that no body stays in this process.
type server struct {
	*httptest.Server
	dir string

	mu       sync.Mutex
	objects  map[string]stored
	requests int64
	page     int
	faults
}

type stored struct {
	entry
	file string
}

// faults break a server.
type faults struct {
	down, lookups, lists bool
	deletes              func(key string) bool // the keys whose deletion fails
	cut, stall           int64                 // bodies after so many bytes, if not negative
}

func newServer() (*server, error) {
	dir, err := os.MkdirTemp("", "kv-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, objects: map[string]stored{}, page: pageSize, faults: faults{cut: -1, stall: -1}}
	s.Server = httptest.NewServer(s)
	return s, nil
}

func (s *server) Close() error {
	s.Server.CloseClientConnections() // of a body that stalls
	s.Server.Close()
	return os.RemoveAll(s.dir)
}

// set changes the faults.
func (s *server) set(change func(*faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.faults)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Kv-Error", code)
	w.WriteHeader(status)
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	f := s.faults
	s.mu.Unlock()
	w.Header().Set("Kv-Service", "1")
	key, ok := strings.CutPrefix(r.URL.Path, "/bucket/")
	switch {
	case f.down:
		refuse(w, http.StatusServiceUnavailable, "down")
	case r.Header.Get("Authorization") != "Bearer "+secret:
		refuse(w, http.StatusForbidden, "denied")
	case !ok:
		refuse(w, http.StatusNotFound, "no-bucket")
	case key == "":
		s.list(w, r, f)
	case r.Method == http.MethodPut:
		s.put(w, r, key)
	case r.Method == http.MethodDelete && f.deletes != nil && f.deletes(key):
		refuse(w, http.StatusForbidden, "denied")
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case f.lookups:
		refuse(w, http.StatusForbidden, "denied")
	default:
		s.get(w, r, key, f)
	}
}

func (s *server) put(w http.ResponseWriter, r *http.Request, key string) {
	metadata := map[string]string{}
	for name, values := range r.Header {
		if rest, ok := strings.CutPrefix(name, "Kv-Meta-"); ok {
			metadata[strings.ToLower(rest)] = values[0]
		}
	}
	e, err := s.store(key, r.Body, metadata, r.Header.Get("If-None-Match") == "*")
	switch {
	case err == os.ErrExist:
		refuse(w, http.StatusPreconditionFailed, "condition")
	case err != nil: // a body that has not arrived whole
		refuse(w, http.StatusBadRequest, "incomplete")
	default:
		json.NewEncoder(w).Encode(e)
	}
}

// store keeps a body, and publishes it when it is whole.
func (s *server) store(key string, body io.Reader, metadata map[string]string, ifAbsent bool) (entry, error) {
	file, err := os.CreateTemp(s.dir, "")
	if err != nil {
		return entry{}, err
	}
	defer file.Close()
	n, err := io.Copy(file, body)
	if err != nil {
		return entry{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[key]; ok && ifAbsent {
		return entry{}, os.ErrExist
	}
	e := entry{Key: key, Size: n, ETag: strconv.Quote(file.Name()[len(s.dir)+1:]), Modified: time.Now().UTC(), Metadata: metadata}
	s.objects[key] = stored{e, file.Name()}
	return e, nil
}

func (s *server) get(w http.ResponseWriter, r *http.Request, key string, f faults) {
	s.mu.Lock()
	o, ok := s.objects[key]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "no-key")
		return
	}
	file, err := os.Open(o.file)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	w.Header().Set("ETag", o.ETag)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(&answer{ResponseWriter: w, request: r, cut: f.cut, stall: f.stall}, r, "", o.Modified, file)
}

// answer says in Kv-Error what its status means, and breaks off where told.
type answer struct {
	http.ResponseWriter
	request    *http.Request
	cut, stall int64
}

func (a *answer) WriteHeader(status int) {
	switch status {
	case http.StatusPreconditionFailed:
		a.Header().Set("Kv-Error", "condition")
	case http.StatusRequestedRangeNotSatisfiable:
		a.Header().Set("Kv-Error", "range")
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (n int, err error) {
	for _, left := range []*int64{&a.cut, &a.stall} {
		if *left < 0 {
			continue
		}
		n, err = a.ResponseWriter.Write(p[:min(int64(len(p)), *left)])
		if *left -= int64(n); *left > 0 || err != nil {
			return n, err
		}
		http.NewResponseController(a.ResponseWriter).Flush()
		if left == &a.stall {
			<-a.request.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
	return a.ResponseWriter.Write(p)
}

func (s *server) list(w http.ResponseWriter, r *http.Request, f faults) {
	query := r.URL.Query()
	prefix, start := query.Get("prefix"), query.Get("start")
	if f.lists && !strings.HasSuffix(start, "/") && s.continues(start) {
		refuse(w, http.StatusForbidden, "denied")
		return
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit <= 0 || limit > s.page {
		limit = s.page
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var answer struct {
		Objects  []entry  `json:"objects"`
		Prefixes []string `json:"prefixes"`
		Next     string   `json:"next"`
	}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		folder, _, deeper := strings.Cut(rest, "/")
		folder = prefix + folder + "/"
		switch {
		case !ok, key < start && !(deeper && folder >= start), deeper && slices.Contains(answer.Prefixes, folder):
		case len(answer.Objects)+len(answer.Prefixes) == limit:
			answer.Next = key
			if deeper {
				answer.Next = folder
			}
			json.NewEncoder(w).Encode(answer)
			return
		case deeper:
			answer.Prefixes = append(answer.Prefixes, folder)
		default:
			answer.Objects = append(answer.Objects, s.objects[key].entry)
		}
	}
	json.NewEncoder(w).Encode(answer)
}

// continues reports whether start is the key of an object, which only a page's
// token is.
func (s *server) continues(start string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.objects[start]
	return ok
}
