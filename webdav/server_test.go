package webdav

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/net/webdav"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const password = "open-sesame"

// testServer is a WebDAV server with faults.
type testServer struct {
	*httptest.Server
	files webdav.FileSystem

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool // answers a request itself
	cut    atomic.Int64                                      // if not negative, bodies break after so many bytes
	stall  atomic.Int64
}

func newServer() *testServer {
	s := &testServer{files: webdav.NewMemFS()}
	s.cut.Store(-1)
	s.stall.Store(-1)
	handler := &webdav.Handler{FileSystem: s.files, LockSystem: webdav.NewMemLS()}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); given != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.mu.Lock()
		before := s.before
		s.mu.Unlock()
		if before != nil && before(w, r) {
			return
		}
		if r.Method == http.MethodGet {
			w = &wire{ResponseWriter: w, r: r, cut: s.cut.Load(), stall: s.stall.Load()}
		}
		handler.ServeHTTP(w, r)
	}))
	return s
}

// wire is an answer whose body breaks or stalls.
type wire struct {
	http.ResponseWriter
	r          *http.Request
	cut, stall int64
	sent       int64
}

func (w *wire) Write(p []byte) (int, error) {
	limit := max(w.cut, w.stall)
	if limit < 0 || w.sent+int64(len(p)) <= limit {
		w.sent += int64(len(p))
		return w.ResponseWriter.Write(p)
	}
	_, _ = w.ResponseWriter.Write(p[:limit-w.sent])
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	if w.stall >= 0 {
		<-w.r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

func (s *testServer) script(before func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

func status(code int, match func(r *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if match(r) {
			w.WriteHeader(code)
			return true
		}
		return false
	}
}

func (s *testServer) client(change func(*Config)) *ReplicaClient {
	cfg := Config{URL: s.URL, Path: "backups/db", Username: "u", Password: password,
		Retry: ltxstore.Retry{MaxAttempts: 8, BaseDelay: 4 * time.Millisecond}, Logger: slog.New(slog.DiscardHandler)}
	change(&cfg)
	return NewReplicaClient(cfg)
}

func same(*Config) {}

func TestConformance(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) { return newServer().store(), nil },
		Lacks: []replicatest.Capability{
			// A level is listed in one request.
			replicatest.CountedRequests, replicatest.FailingLists,
			replicatest.BoundedMemory, // the server is in this process
			replicatest.Stripping,     // WebDAV keeps no times that could be lost
		},
		Secrets: []string{password}, PageSize: 40, BodySize: 1 << 20, LargeSize: 8 << 20,
	})
}

func (s *testServer) store() replicatest.Store {
	var clients []*ReplicaClient
	with := func(change func(*Config)) (ltxstore.ReplicaClient, error) {
		c := s.client(change)
		clients = append(clients, c)
		return c, nil
	}
	first, _ := with(same)
	var keys backend.Keys
	at := func(key string) string { return path.Join("/backups/db", key) }
	put := func(ctx context.Context, key string, content []byte) error {
		for i, c := range at(key) {
			if c == '/' && i > 0 {
				if err := s.files.Mkdir(ctx, at(key)[:i], 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
					return err
				}
			}
		}
		return s.put(ctx, at(key), content)
	}
	return replicatest.Store{
		Client:  first,
		Another: func() (ltxstore.ReplicaClient, error) { return with(same) },
		Once:    func() (ltxstore.ReplicaClient, error) { return with(func(c *Config) { c.WriteOnce = true }) },
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return with(func(c *Config) { c.Path += suffix })
		},
		Parent: func() (ltxstore.ReplicaClient, error) { return with(func(c *Config) { c.Path = "backups" }) },
		Missing: func() (ltxstore.ReplicaClient, error) {
			return with(func(c *Config) { c.Path, c.MustExist = "nowhere", true })
		},
		Raw: &replicatest.Raw{Keys: keys, Put: put,
			List: func(ctx context.Context) ([]string, error) { return s.names(ctx, at("")) },
			Leave: func(ctx context.Context) error {
				return put(ctx, path.Join("ltx/0000", "."+ltx.FormatFilename(77, 77)+".1-2.tmp"), []byte("half"))
			},
		},
		Faults: &replicatest.Faults{
			Unreachable: func() { s.script(status(http.StatusServiceUnavailable, func(*http.Request) bool { return true })) },
			Lookups: func() {
				s.script(status(http.StatusTeapot, func(r *http.Request) bool { return r.Method == http.MethodGet }))
			},
			Cut:   func(n int64) { s.cut.Store(n) },
			Stall: func(n int64) { s.stall.Store(n) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				s.script(status(http.StatusForbidden, func(r *http.Request) bool {
					level, minTXID, maxTXID, ok := keys.Parse(strings.TrimPrefix(r.URL.Path, at("")+"/"))
					return r.Method == http.MethodDelete && ok && match(level, minTXID, maxTXID)
				}))
			},
		},
		Close: func() error {
			for _, c := range clients {
				c.Close()
			}
			s.Server.CloseClientConnections()
			s.Server.Close()
			return nil
		},
	}
}

func (s *testServer) put(ctx context.Context, name string, content []byte) error {
	f, err := s.files.OpenFile(ctx, name, 0x42|0x200, 0o644) // O_RDWR|O_CREATE|O_TRUNC
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// names returns what is below a directory, empty ones with a slash.
func (s *testServer) names(ctx context.Context, root string) (names []string, err error) {
	f, err := s.files.OpenFile(ctx, root, 0, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	infos, err := f.Readdir(-1)
	for _, info := range infos {
		if !info.IsDir() {
			names = append(names, info.Name())
			continue
		}
		below, err := s.names(ctx, path.Join(root, info.Name()))
		if err != nil {
			return nil, err
		}
		if len(below) == 0 {
			names = append(names, info.Name()+"/")
		}
		for _, name := range below {
			names = append(names, info.Name()+"/"+name)
		}
	}
	return names, err
}

func start(t *testing.T) *testServer {
	s := newServer()
	t.Cleanup(s.Close)
	return s
}

func write(t *testing.T, c *ReplicaClient, content string) error {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader(content))
	return err
}

func read(t *testing.T, c *ReplicaClient, offset, size int64) (string, error) {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

// Each answer has its kind, and the credentials are in none.
func TestStatuses(t *testing.T) {
	for code, kind := range map[int]error{
		401: fs.ErrPermission, 403: fs.ErrPermission, 423: ltxstore.ErrUnavailable, 429: ltxstore.ErrThrottled,
		500: ltxstore.ErrUnavailable, 503: ltxstore.ErrUnavailable,
	} {
		s := start(t)
		require.NoError(t, write(t, s.client(same), "x"))
		s.script(status(code, func(r *http.Request) bool { return r.Method == "PUT" }))
		err := write(t, s.client(same), "y")
		require.ErrorIs(t, err, kind, "%d", code)
		assert.NotContains(t, err.Error(), password)
		s.script(nil)
		got, err := read(t, s.client(same), 0, 0)
		require.NoError(t, err)
		assert.Equal(t, "x", got)
	}
	s := start(t)
	s.script(status(507, func(r *http.Request) bool { return r.Method == "PUT" }))
	assert.False(t, ltxstore.IsRetryable(write(t, s.client(same), "x")), "a full disk stays full")
}

// A file that is being replaced in two steps is not missing.
func TestReplacedInTwoSteps(t *testing.T) {
	s := start(t)
	c := s.client(same)
	require.NoError(t, write(t, c, "x"))
	var once sync.Once
	s.script(func(w http.ResponseWriter, r *http.Request) (answered bool) {
		if r.Method == http.MethodGet {
			once.Do(func() { answered = true; w.WriteHeader(http.StatusNotFound) })
		}
		return answered
	})
	got, err := read(t, c, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, "x", got)
}

// A file that is deleted while it is opened is missing, whatever GET says. One that
// is there and may not be read is not.
func TestDeletedWhileOpened(t *testing.T) {
	s := start(t)
	c := s.client(same)
	require.NoError(t, write(t, c, "x"))
	s.script(status(403, func(r *http.Request) bool { return r.Method == http.MethodGet }))
	_, err := read(t, c, 0, 0)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	_, err = read(t, c, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Apache replaces a file in two steps, between which another move finds nothing.
func TestReplacedByTwo(t *testing.T) {
	s := start(t)
	c := s.client(same)
	require.NoError(t, write(t, c, "x"))
	for _, code := range []int{403, 404, 409, 500} {
		failed := false
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "MOVE" || r.Header.Get("Overwrite") != "T" || failed {
				return false
			}
			failed = true
			w.WriteHeader(code)
			return true
		})
		require.NoError(t, write(t, c, strconv.Itoa(code)), code)
		got, err := read(t, c, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, strconv.Itoa(code), got)
		assert.True(t, failed)
	}
}

// A server that ignores ranges does not yield wrong bytes.
func TestIgnoredRanges(t *testing.T) {
	s := start(t)
	c := s.client(same)
	require.NoError(t, write(t, c, "0123456789"))
	s.script(func(w http.ResponseWriter, r *http.Request) bool { r.Header.Del("Range"); return false })
	for _, test := range []struct {
		offset, size int64
		want         string
	}{{0, 3, "012"}, {4, 3, "456"}, {8, 0, "89"}, {10, 0, ""}, {11, 5, ""}} {
		got, err := read(t, c, test.offset, test.size)
		require.NoError(t, err)
		assert.Equal(t, test.want, got)
	}
}

// What is not a multistatus says nothing about the store.
func TestStrangeAnswers(t *testing.T) {
	for _, body := range []string{"", "<html></html>", "<multistatus/>", `<D:multistatus xmlns:D="DAV:"><D:response>`,
		`<D:multistatus xmlns:D="DAV:"><D:response><D:href>/x</D:href><D:propstat><D:status>HTTP/1.1 200 OK</D:status><D:prop><D:getcontentlength>-1</D:getcontentlength></D:prop></D:propstat></D:response></D:multistatus>`} {
		s := start(t)
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "PROPFIND" {
				return false
			}
			w.WriteHeader(http.StatusMultiStatus)
			_, _ = io.WriteString(w, body)
			return true
		})
		c := s.client(same)
		it, err := c.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		assert.False(t, it.Next())
		require.Error(t, it.Close(), body)
		require.NotErrorIs(t, it.Err(), fs.ErrNotExist)
		assert.NotContains(t, it.Err().Error(), errTooLong.Error(), body)
	}
}

// golang.org/x/net ends a listing that it could not finish as a whole one, and
// tells of the failure behind it. The listing is asked for again, and is an error if
// that does not help: it is never one of fewer files.
func TestTextAfterListing(t *testing.T) {
	const cut = `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>/backups/db/ltx/0000/</D:href><D:status>HTTP/1.1 200 OK</D:status></D:response></D:multistatus>`
	for tail, fails := range map[string]bool{"Internal Server Error": true, "\n \r\n": false, "<!-- end -->": false} {
		s := start(t)
		c := s.client(same)
		require.NoError(t, write(t, c, "x"))
		for _, times := range []int{1, 100} {
			asked := 0
			s.script(func(w http.ResponseWriter, r *http.Request) bool {
				if asked++; r.Method != "PROPFIND" || r.Header.Get("Depth") != "1" || asked > times {
					return false
				}
				w.WriteHeader(http.StatusMultiStatus)
				_, _ = io.WriteString(w, cut+tail)
				return true
			})
			it, err := c.LTXFiles(t.Context(), 0, 0, false)
			require.NoError(t, err)
			files := 0
			for it.Next() {
				files++
			}
			err = it.Close()
			switch {
			case !fails:
				require.NoError(t, err, "%q", tail)
				assert.Zero(t, files)
			case times == 1:
				require.NoError(t, err, "%q", tail)
				assert.Equal(t, 1, files)
			default:
				require.ErrorIs(t, err, ltxstore.ErrUnavailable)
				assert.ErrorContains(t, err, "text follows its end")
			}
		}
	}
}

// Credentials are not sent where a redirection leads.
func TestRedirection(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Error("asked", r.Method) }))
	defer other.Close()
	s := start(t)
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		return true
	})
	require.Error(t, write(t, s.client(same), "x"))
	_, err := read(t, s.client(same), 0, 0)
	require.Error(t, err)
	require.NotErrorIs(t, err, fs.ErrNotExist)
}

func TestOpenURL(t *testing.T) {
	s := start(t)
	client, err := ltxstore.Open(t.Context(), "webdav://u:"+password+"@"+strings.TrimPrefix(s.URL, "http://")+"/a/b")
	require.NoError(t, err)
	defer ltxstore.Close(client)
	_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("x"))
	require.NoError(t, err)
	names, err := s.names(t.Context(), "/")
	require.NoError(t, err)
	assert.Equal(t, []string{"a/b/ltx/0000/" + ltx.FormatFilename(1, 1)}, names)
	// webdavs is HTTPS, and the server here speaks HTTP only.
	secure, err := ltxstore.Open(t.Context(), "webdavs://u:"+password+"@"+strings.TrimPrefix(s.URL, "http://")+"/a/b?retry-max-attempts=1")
	require.NoError(t, err)
	_, err = secure.WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader("x"))
	require.ErrorContains(t, err, "https")

	for _, bad := range []string{"webdav:///path", "webdav://host/path?nonsense=1", "webdav://host/?bearer-token=a&webdav-password=b"} {
		_, err := ltxstore.Open(t.Context(), bad)
		assert.Error(t, err, bad)
	}
	for _, bad := range []string{"", "ftp://host", "http://", "http://u:secret@host", "http://host?x=1"} {
		err := NewReplicaClient(Config{URL: bad}).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.NotContains(t, err.Error(), "secret")
	}
}
