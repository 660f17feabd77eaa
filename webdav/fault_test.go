package webdav

import (
	"encoding/base64"
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
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/net/webdav"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// all is a filter of every file.
func all(*ltx.FileInfo) (bool, error) { return true, nil }

// impatient repeats nothing.
func impatient(cfg *Config) { cfg.Retry.MaxAttempts = 1 }

// recorded notes the requests to the server, and answers the one with the number
// of deny with 507, which is a full disk.
func (s *testServer) recorded(deny int) (denied func() string) {
	var mu sync.Mutex
	n, which := 0, ""
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if n++; n-1 != deny {
			return false
		}
		name := path.Base(r.URL.Path)
		if strings.HasSuffix(name, ".tmp") {
			name = "temporary"
		}
		which = r.Method + " " + name
		w.WriteHeader(http.StatusInsufficientStorage)
		return true
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return which
	}
}

// Whichever request the server refuses, the call says so, unless it does not matter;
// and what is said to be done is done.
func TestEachRefusedRequestIsReported(t *testing.T) {
	files := []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {MinTXID: 2, MaxTXID: 2}}
	for name, tt := range map[string]struct {
		do        func(t *testing.T, c *ReplicaClient) error
		left      int      // files, once it is done
		tolerated []string // requests that may be refused
		once      bool
	}{
		"list": {left: 2, do: func(t *testing.T, c *ReplicaClient) error {
			found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, true, all)
			assert.True(t, err != nil || len(found) == 2)
			return err
		}},
		"read": {left: 2, do: func(t *testing.T, c *ReplicaClient) error {
			got, err := read(t, c, 1, 0)
			assert.True(t, err != nil || got == "ne")
			return err
		}},
		"replace": {left: 2, do: func(t *testing.T, c *ReplicaClient) error { return write(t, c, "three") },
			tolerated: []string{"PROPFIND 0000", "PROPFIND " + ltx.FormatFilename(1, 1)}},
		"write": {left: 3, do: func(t *testing.T, c *ReplicaClient) error {
			_, err := c.WriteLTXFile(t.Context(), 0, 3, 3, strings.NewReader("three"))
			return err
		}, tolerated: []string{"PROPFIND 0000"}},
		"write a level": {left: 2, do: func(t *testing.T, c *ReplicaClient) error {
			_, err := c.WriteLTXFile(t.Context(), 1, 3, 3, io.MultiReader(strings.NewReader("of no size")))
			return err
		}, tolerated: []string{"PROPFIND 0001"}},
		"write once": {left: 3, once: true, do: func(t *testing.T, c *ReplicaClient) error {
			_, err := c.WriteLTXFile(t.Context(), 0, 3, 3, strings.NewReader("three"))
			return err
		}, tolerated: []string{"PROPFIND 0000"}},
		"delete":     {do: func(t *testing.T, c *ReplicaClient) error { return c.DeleteLTXFiles(t.Context(), files) }},
		"delete all": {do: func(t *testing.T, c *ReplicaClient) error { return c.DeleteAll(t.Context()) }},
	} {
		t.Run(name, func(t *testing.T) {
			for deny, which := 0, "all"; which != ""; deny++ {
				s := start(t)
				for id, content := range map[ltx.TXID]string{1: "one", 2: "two"} {
					_, err := s.client(same).WriteLTXFile(t.Context(), 0, id, id, strings.NewReader(content))
					require.NoError(t, err)
				}
				c := s.client(func(cfg *Config) { impatient(cfg); cfg.WriteOnce = tt.once })
				require.NoError(t, c.Init(t.Context()))
				denied := s.recorded(deny)
				err := tt.do(t, c)
				which = denied()
				s.script(nil)
				if err != nil {
					assert.NotEmpty(t, which, "nothing was refused: %v", err)
					assert.Contains(t, err.Error(), "507", which)
					assert.NotErrorIs(t, err, fs.ErrNotExist, which)
					continue
				}
				assert.Contains(t, append(tt.tolerated, ""), which, "it was refused, and nobody was told")
				left, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
				require.NoError(t, err)
				assert.Len(t, left, tt.left, "request %d, %s", deny, which)
			}
		})
	}
}

// What a client says of itself is what its Config has.
func TestAuthorization(t *testing.T) {
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for want, change := range map[string]func(*Config){
		"":                 func(c *Config) { c.Username, c.Password = "", "" },
		basic("u:"):        func(c *Config) { c.Password = "" },
		basic(":secret-p"): func(c *Config) { c.Username, c.Password = "", "secret-p" },
		"Bearer t0k3n-abc": func(c *Config) { c.Username, c.Password, c.BearerToken = "", "", "t0k3n-abc" },
	} {
		var got string
		c := start(t).client(func(cfg *Config) {
			impatient(cfg)
			change(cfg)
			cfg.HTTP.RoundTripper = roundTrip(func(r *http.Request) (*http.Response, error) {
				got = r.Header.Get("Authorization")
				return nil, io.ErrClosedPipe
			})
		})
		require.Error(t, write(t, c, "x"))
		assert.Equal(t, want, got)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A collection that has the name of a file is a stranger: what is in it stays.
func TestCollectionWithANameOfAFile(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "x"))
	require.NoError(t, s.files.Mkdir(t.Context(), "/backups/db/ltx/0000/"+ltx.FormatFilename(2, 2), 0o755))
	inside := "/backups/db/ltx/0000/" + ltx.FormatFilename(2, 2) + "/theirs"
	require.NoError(t, s.put(t.Context(), inside, []byte("y")))
	_, err := c.WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrInvalid, "a move would replace it")
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {MinTXID: 2, MaxTXID: 2}}))
	names, err := s.names(t.Context(), "/backups/db")
	require.NoError(t, err)
	assert.Equal(t, []string{"ltx/0000/" + ltx.FormatFilename(2, 2) + "/theirs"}, names)
}

// A GET that is forbidden is told as that, though what is there cannot be asked.
func TestForbiddenGet(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "x"))
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		code := http.StatusInternalServerError
		if r.Method == http.MethodGet {
			code = http.StatusForbidden
		}
		w.WriteHeader(code)
		return true
	})
	_, err := read(t, c, 0, 0)
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "GET returned 403")
}

// A GET that is not allowed is of a collection only if that is one.
func TestGetNotAllowed(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "x"))
	s.script(status(http.StatusMethodNotAllowed, func(r *http.Request) bool { return r.Method == http.MethodGet }))
	_, err := read(t, c, 0, 0)
	require.ErrorContains(t, err, "GET returned 405")
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

// A range that is refused without the file's size is beyond its end only if that is known.
func TestRefusedRangeWithoutSize(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "0123456789"))
	for looked, want := range map[int]string{0: "", http.StatusInternalServerError: "PROPFIND returned 500"} {
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.Method == http.MethodGet:
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			case r.Method == "PROPFIND" && looked != 0:
				w.WriteHeader(looked)
			default:
				return false
			}
			return true
		})
		got, err := read(t, c, 10, 0)
		assert.Empty(t, got)
		if want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
		_, err = read(t, c, 9, 0)
		require.ErrorIs(t, err, ltxstore.ErrUnavailable, "there is a byte")
	}
}

// large is a body that is not kept in memory, of a size that is not known before its end.
func large() io.Reader { return struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 2<<20))} }

// A body of unknown size that was refused is not written, though a file is there.
func TestRefusedBodyOfUnknownSize(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		assert.EqualValues(t, -1, r.ContentLength)
		content, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, s.put(r.Context(), r.URL.Path, content))
		w.WriteHeader(http.StatusInsufficientStorage)
		return true
	})
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, large())
	require.ErrorContains(t, err, "PUT returned 507")
	_, err = read(t, c, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A PUT that is acknowledged before its body was read is not one of the whole body,
// whether the size is known or not.
func TestPutAnsweredBeforeItsEnd(t *testing.T) {
	for name, body := range map[string]io.Reader{"known size": strings.NewReader(strings.Repeat("x", 2<<20)), "unknown size": large()} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			c := s.client(func(cfg *Config) {
				impatient(cfg)
				cfg.HTTP.RoundTripper = roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodPut {
						r = r.Clone(r.Context())
						r.Body, r.ContentLength = http.NoBody, 0
					}
					return http.DefaultTransport.RoundTrip(r)
				})
			})
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, body)
			require.ErrorIs(t, err, ltxstore.ErrUnavailable)
			require.ErrorContains(t, err, "server responded before the end of the PUT")
			_, err = read(t, c, 0, 0)
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

// A move to a new name that is forbidden is told as that, not as a race.
func TestForbiddenMove(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	s.script(status(http.StatusForbidden, func(r *http.Request) bool { return r.Method == "MOVE" }))
	err := write(t, c, "x")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.NotErrorIs(t, err, ltxstore.ErrUnavailable)
}

// Another client may make a collection while this one does, whatever the server
// says then, but a collection that is not made is told.
func TestCollectionMadeByAnother(t *testing.T) {
	for _, made := range []string{"collection", "file", ""} {
		s := start(t)
		c := s.client(impatient)
		require.NoError(t, c.Init(t.Context()))
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != "MKCOL" || path.Base(r.URL.Path) != "0000" {
				return false
			}
			for _, dir := range []string{"/backups", "/backups/db", "/backups/db/ltx"} {
				_ = s.files.Mkdir(r.Context(), dir, 0o755)
			}
			switch level := "/backups/db/ltx/0000"; made {
			case "collection":
				_ = s.files.Mkdir(r.Context(), level, 0o755)
			case "file":
				assert.NoError(t, s.put(r.Context(), level, []byte("x")))
			}
			w.WriteHeader(http.StatusConflict)
			return true
		})
		if err := write(t, c, "x"); made == "collection" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "MKCOL returned 409", made)
		}
	}
}

// An answer of unknown length is the whole file all the same.
func TestAnswerWithoutLength(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "0123456789"))
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "0123456789")
		return true
	})
	for want, offset := range map[string]int64{"0123456789": 0, "789": 7, "": 10} {
		got, err := read(t, c, offset, 0)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

// The size that such an answer lacks is asked for, and that may fail.
func TestAnswerWithoutAnySize(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "0123456789"))
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "0123456789")
		} else {
			w.WriteHeader(http.StatusInternalServerError)
		}
		return true
	})
	_, err := read(t, c, 0, 0)
	require.ErrorContains(t, err, "PROPFIND returned 500")
}

// That a file is empty is known from one answer.
func TestEmptyFileIsAskedForOnce(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "x"))
	require.NoError(t, s.put(t.Context(), "/backups/db/ltx/0000/"+ltx.FormatFilename(1, 1), nil))
	var methods []string
	s.script(func(_ http.ResponseWriter, r *http.Request) bool {
		methods = append(methods, r.Method)
		return false
	})
	_, err := read(t, c, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, []string{"GET"}, methods)
}

// A request that is not answered has not done anything.
func TestNoAnswer(t *testing.T) {
	files := []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}
	for method, do := range map[string]func(c *ReplicaClient) error{
		"MOVE":   func(c *ReplicaClient) error { return write(t, c, "x") },
		"DELETE": func(c *ReplicaClient) error { return c.DeleteLTXFiles(t.Context(), files) },
	} {
		c := start(t).client(func(cfg *Config) {
			impatient(cfg)
			cfg.HTTP.RoundTripper = roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Method == method {
					return nil, io.ErrClosedPipe
				}
				return http.DefaultTransport.RoundTrip(r)
			})
		})
		if method == "DELETE" {
			require.NoError(t, write(t, c, "x"))
		}
		require.ErrorIs(t, do(c), io.ErrClosedPipe, method)
	}
}

// A transfer that breaks goes on with the same file only, also if the server ignores
// the condition.
func TestReplacedWhileItIsRead(t *testing.T) {
	s := start(t)
	c := s.client(same)
	content := strings.Repeat("0123456789abcdef", 4<<10)
	require.NoError(t, write(t, c, content))
	s.cut.Store(40 << 10)
	s.script(func(_ http.ResponseWriter, r *http.Request) bool {
		_, conditional := r.Header["If-Match"]
		assert.Equal(t, r.Method == http.MethodGet && r.Header.Get("Range") != "", conditional)
		return false
	})
	got, err := read(t, c, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, content, got)
	s.script(nil)

	for _, ignores := range []bool{false, true} {
		require.NoError(t, write(t, c, content))
		s.cut.Store(40 << 10)
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		defer r.Close()
		_, err = io.ReadFull(r, make([]byte, 100))
		require.NoError(t, err)
		require.NoError(t, write(t, c, strings.Repeat("0123456789abcdeF", 4<<10)))
		s.script(func(_ http.ResponseWriter, r *http.Request) bool {
			if ignores {
				r.Header.Del("If-Match")
			}
			return false
		})
		_, err = io.ReadAll(r)
		require.ErrorContains(t, err, "replaced")
		assert.False(t, ltxstore.IsRetryable(err))
	}
}

// A write that may replace nothing leaves nothing to remove: the move takes its
// temporary away.
func TestWriteOnceRemovesNothing(t *testing.T) {
	s := start(t)
	c := s.client(func(cfg *Config) { impatient(cfg); cfg.WriteOnce = true })
	s.script(func(_ http.ResponseWriter, r *http.Request) bool {
		assert.NotEqual(t, http.MethodDelete, r.Method)
		return false
	})
	require.NoError(t, write(t, c, "x"))
}

// A level's collections are made from the first that is missing, and one that cannot
// be made is told.
func TestCollectionAboveIsRefused(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	s.script(status(http.StatusInsufficientStorage, func(r *http.Request) bool {
		return r.Method == "MKCOL" && path.Base(r.URL.Path) == "db"
	}))
	require.ErrorContains(t, write(t, c, "x"), "MKCOL returned 507")
	s.script(nil)
	require.NoError(t, write(t, c, "x"))
}

// Some servers redirect the path of a collection to that with a slash. One that has
// the name of a file is a stranger there, too.
func TestCollectionWithoutItsSlash(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "x"))
	name := "/backups/db/ltx/0000/" + ltx.FormatFilename(2, 2)
	require.NoError(t, s.files.Mkdir(t.Context(), name, 0o755))
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		redirects := r.URL.Path == name && r.Method != "MOVE"
		if redirects {
			http.Redirect(w, r, name+"/", http.StatusMovedPermanently)
		}
		return redirects
	})
	_, err := c.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "name is a collection")
	_, err = c.WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrInvalid, "a move would replace it")
}

// zeros are so many bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Of a server that ignores ranges, not more than 64 MiB are read for nothing, unless
// the file ends there.
func TestIgnoredRangeFarInAFile(t *testing.T) {
	const size = maxSkip + 10
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "x"))
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			_, _ = io.CopyN(w, zeros{}, size)
		}
		return r.Method == http.MethodGet
	})
	for offset, want := range map[int64]int{maxSkip: 10, size: 0, size + 1: 0} {
		got, err := read(t, c, offset, 0)
		require.NoError(t, err)
		assert.Len(t, got, want)
	}
	_, err := read(t, c, maxSkip+1, 0)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "more than the 67108864 bytes that may be skipped")
}

// As many connections are kept as requests are sent at once.
func TestConnectionsAreKept(t *testing.T) {
	const atOnce, rounds = 4, 10
	s := start(t)
	c := s.client(func(cfg *Config) {
		impatient(cfg)
		cfg.DeleteConcurrency, cfg.MetadataConcurrency = atOnce, 1
	})
	var files []*ltx.FileInfo
	for id := ltx.TXID(1); id <= atOnce; id++ {
		files = append(files, &ltx.FileInfo{MinTXID: id, MaxTXID: id})
		_, err := c.WriteLTXFile(t.Context(), 0, id, id, strings.NewReader("x"))
		require.NoError(t, err)
	}
	arrived, goOn := make(chan string), make(chan bool)
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodDelete {
			return false
		}
		arrived <- r.RemoteAddr
		<-goOn
		w.WriteHeader(http.StatusNoContent) // nothing is removed
		return true
	})
	connections := map[string]bool{}
	for range rounds {
		done := make(chan error)
		go func() { done <- c.DeleteLTXFiles(t.Context(), files) }()
		for range atOnce {
			connections[<-arrived] = true
		}
		for range atOnce {
			goOn <- true
		}
		require.NoError(t, <-done)
	}
	// In the first round one may have been made beside one that became idle.
	assert.LessOrEqual(t, len(connections), 3*atOnce, "%d new ones in each round would be %d", atOnce-1, rounds*(atOnce-1)+1)
}

// A listing that is not answered is an error.
func TestListingWithoutAnswer(t *testing.T) {
	c := start(t).client(func(cfg *Config) {
		impatient(cfg)
		cfg.HTTP.RoundTripper = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == "PROPFIND" {
				return nil, io.ErrUnexpectedEOF
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	_, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// A source that panics ends its PUT before the panic goes on: a request that goes on
// would write what nobody removes.
func TestPutEndsBeforeAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := &webdav.Handler{FileSystem: webdav.NewMemFS(), LockSystem: webdav.NewMemLS()}
		var ended atomic.Bool
		c := NewReplicaClient(Config{URL: "http://h", Logger: slog.New(slog.DiscardHandler), HTTP: transport.Options{RoundTripper: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut {
				_, err := io.Copy(io.Discard, r.Body)
				time.Sleep(time.Second)
				ended.Store(true)
				return nil, err
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w.Result(), nil
		})}})
		defer c.Close()
		assert.PanicsWithValue(t, "gone", func() {
			_, _ = c.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(large(), readFunc(func([]byte) (int, error) { panic("gone") })))
		})
		assert.True(t, ended.Load())
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
