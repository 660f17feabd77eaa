package webdav

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The answers to OPTIONS are those of real servers, whose own tests are in
// interop/testservers.
func TestProbe(t *testing.T) {
	yes, no := true, false
	for _, test := range []struct {
		name     string
		header   http.Header
		declared *bool
		atomic   bool // a missing file is not looked for again
		racy     bool // write-once is warned of
	}{
		{"mod_dav", http.Header{"Dav": {"1,2 <http://apache.org/dav/propset/fs/1>"}, "Server": {"Apache/2.4"}, "Ms-Author-Via": {"DAV"}}, nil, false, true},
		{"mod_dav behind nginx", http.Header{"Dav": {"1,2", "<http://apache.org/dav/propset/fs/1>"}, "Server": {"nginx/1.22.1"}}, nil, false, true},
		{"mod_dav, declared", http.Header{"Dav": {"1,2 <http://apache.org/dav/propset/fs/1>"}}, &yes, true, true},
		{"nginx", http.Header{"Dav": {"1"}, "Allow": {"GET,HEAD,PUT,DELETE,MKCOL,COPY,MOVE,PROPFIND,OPTIONS,LOCK,UNLOCK"}}, nil, true, false},
		{"nginx, declared", http.Header{"Dav": {"1"}, "Allow": {"GET,HEAD,PUT,DELETE,MKCOL,COPY,MOVE,PROPFIND,OPTIONS,LOCK,UNLOCK"}}, &no, false, false},
		{"nginx before another server", http.Header{"Dav": {"1, 3, extended-mkcol"}, "Server": {"nginx/1.22.1"}, "Allow": {"OPTIONS, GET, HEAD, DELETE, PROPFIND, PUT, PROPPATCH, COPY, MOVE, REPORT"}}, nil, false, false},
		{"golang.org/x/net", http.Header{"Dav": {"1, 2"}, "Ms-Author-Via": {"DAV"}, "Allow": {"OPTIONS, LOCK, PUT, MKCOL"}}, nil, false, false},
		{"like golang.org/x/net, another server", http.Header{"Dav": {"1, 2"}, "Allow": {"OPTIONS, LOCK, PUT, MKCOL"}}, nil, false, false},
		{"nothing", nil, nil, false, false},
		{"nothing, declared", nil, &yes, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t)
			_, err := s.client(same).WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader("x"))
			require.NoError(t, err)
			asked := map[string]int{}
			s.script(func(w http.ResponseWriter, r *http.Request) bool {
				asked[r.Method]++
				if r.Method != http.MethodOptions {
					return false
				}
				for name, values := range test.header {
					w.Header()[name] = values
				}
				return true
			})
			var log bytes.Buffer
			c := s.client(func(cfg *Config) {
				cfg.AtomicMove, cfg.WriteOnce, cfg.Logger = test.declared, true, slog.New(slog.NewTextHandler(&log, nil))
			})
			_, err = read(t, c, 0, 0)
			require.ErrorIs(t, err, fs.ErrNotExist)
			want := map[string]int{"OPTIONS": 1, "GET": 1, "PROPFIND": 2} // of the file, and its level
			if test.atomic {
				want["PROPFIND"] = 1
			}
			assert.Equal(t, want, asked)
			known := !strings.HasPrefix(test.name, "nothing") && !strings.HasSuffix(test.name, "another server")
			assert.Equal(t, known, identify(test.header).name != "unknown")
			assert.Equal(t, test.racy, bytes.Contains(log.Bytes(), []byte("does not enforce write-once")), "%s", &log)
			log.Reset()
			without := s.client(func(cfg *Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			require.NoError(t, without.Init(t.Context()))
			assert.NotContains(t, log.String(), "write-once")
		})
	}
}

// A server that does not answer, or refuses, is one of which nothing is known;
// a context that ends is the caller's.
func TestProbeFails(t *testing.T) {
	for _, code := range []int{0, 401, 403, 404, 405, 500} {
		s := start(t)
		s.script(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodOptions {
				return false
			}
			if code == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(code)
			return true
		})
		require.NoError(t, write(t, s.client(same), "x"), code)
	}
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.script(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodOptions {
			cancel()
			<-r.Context().Done()
		}
		return false
	})
	c := s.client(same)
	require.ErrorIs(t, c.Init(ctx), context.Canceled)
	s.script(nil)
	require.NoError(t, c.Init(t.Context()))
}
