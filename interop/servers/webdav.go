package servers

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"golang.org/x/net/webdav"
)

// DAV is a WebDAV server. What it stores is in Dir.
type DAV struct {
	URL            string
	User, Password string
	Dir            string
}

// WebDAV starts a WebDAV server in this process, which ends with the test. It makes
// one collection at a time: of two clients that make the same one golang.org/x/net
// refuses one with 423, and which requests meet is left to the scheduler.
func WebDAV(tb testing.TB) *DAV {
	tb.Helper()
	s := &DAV{User: "replica", Password: secretKey, Dir: tb.TempDir()}
	handler := &webdav.Handler{FileSystem: webdav.Dir(s.Dir), LockSystem: webdav.NewMemLS()}
	var making sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != s.User || password != s.Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == "MKCOL" {
			making.Lock()
			defer making.Unlock()
		}
		handler.ServeHTTP(w, r)
	}))
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}
