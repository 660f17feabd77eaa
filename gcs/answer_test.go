package gcs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// A 416 to a read from the beginning is that of an empty object only if it says
// so, or the object is empty.
func TestOpenRefusedFromTheBeginning(t *testing.T) {
	refused := func(size string) httpfault.Effect {
		header := http.Header{}
		if size != "" {
			header.Set("Content-Range", "bytes */"+size)
		}
		return httpfault.Status(416, header, "")
	}
	for size, asked := range map[string]int{"10000": 0, "": 1, "x": 1, "-1": 1} {
		b := newBench(t, gcsfake.Options{}, nil)
		b.server.Put("bucket", testKey, ltxBody(t, 10_000))
		b.fail("ReadObject", -1, refused(size))
		_, err := b.read(t, 0, 100)
		require.ErrorContains(t, err, "refuses the range from 0 of 10000 bytes", size)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		assert.Equal(t, asked, b.faults.Counts()["GetObject"], size)

		// A listing does not leave the file out.
		b.server.Strip("bucket", testKey)
		_, err = b.list(t, 0, true)
		require.Error(t, err)
	}
	for size, asked := range map[string]int{"0": 0, "": 1} {
		b := newBench(t, gcsfake.Options{}, nil)
		b.server.Put("bucket", testKey, nil)
		b.fail("ReadObject", -1, refused(size))
		_, err := b.read(t, 0, 100)
		require.ErrorIs(t, err, fs.ErrNotExist, "a torn upload")
		assert.Equal(t, asked, b.faults.Counts()["GetObject"], size)
	}
}

// What a 206 announces is what was asked for, and all that its body has (41).
func TestOpenWrongSpan(t *testing.T) {
	whole := ltxBody(t, 10_000)
	answer := func(span string, body []byte, length bool) httpfault.Effect {
		return func(_ httpfault.Exchange, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", span)
			w.Header().Set("X-Goog-Generation", "7")
			if length {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			}
			w.WriteHeader(206)
			w.(http.Flusher).Flush()
			_, _ = w.Write(body)
		}
	}
	for name, tt := range map[string]struct {
		offset, size int64
		do           httpfault.Effect
	}{
		"more than announced":       {100, 50, answer("bytes 100-119/10000", plainBody(50), true)},
		"more than announced, open": {100, 50, answer("bytes 100-119/10000", plainBody(50), false)},
		"other beginning":           {100, 50, answer("bytes 90-149/10000", plainBody(60), true)},
		"other end":                 {100, 50, answer("bytes 100-159/10000", plainBody(60), true)},
		"past the end":              {100, 50, answer("bytes 100-149/120", plainBody(50), true)},
		"backwards":                 {100, 50, answer("bytes 100-99/10000", nil, true)},
		"less than announced":       {100, 50, answer("bytes 100-149/10000", plainBody(20), true)},
		"unknown size":              {100, 50, answer("bytes 100-149/*", plainBody(50), true)},
		"no span":                   {100, 50, answer("", plainBody(50), true)},
		"not asked for":             {0, 0, answer("bytes 0-49/50", plainBody(50), true)},
		"items":                     {100, 50, answer("items 100-149/10000", plainBody(50), true)},
		"words":                     {100, 50, answer("bytes a-b/c", plainBody(50), true)},
		"negative":                  {0, 50, answer("bytes -5-44/10000", plainBody(50), true)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil)
			b.server.Put("bucket", testKey, whole)
			b.fail("ReadObject", 1, tt.do)
			got, err := b.read(t, tt.offset, tt.size)
			if err == nil { // asked again
				end := tt.offset + tt.size
				if tt.size == 0 {
					end = 10_000
				}
				assert.True(t, bytes.Equal(whole[tt.offset:end], got))
				return
			}
			assert.NotErrorIs(t, err, fs.ErrNotExist)
			assert.LessOrEqual(t, len(got), 20, "no more than was announced")

			b.fail("ReadObject", -1, tt.do)
			_, err = b.read(t, tt.offset, tt.size)
			require.Error(t, err)
		})
	}
}

// withoutGeneration hides the version of what is read.
func withoutGeneration(skip int) func() func(*http.Request, http.RoundTripper) (*http.Response, error) {
	return func() func(*http.Request, http.RoundTripper) (*http.Response, error) {
		n := 0
		return func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && req.URL.Query().Get("alt") == "media" {
				if n++; n > skip {
					resp.Header.Del("X-Goog-Generation")
				}
			}
			return resp, err
		}
	}
}

// Bytes whose version nobody knows are not put after those of another answer:
// a transfer that cannot be pinned is not resumed, nor read in parts.
func TestOpenWithoutGeneration(t *testing.T) {
	first, second := ltxBody(t, 6*testChunk), plainBody(6*testChunk)
	for name, tt := range map[string]struct{ skip, requests int }{"none has one": {0, 1}, "only the first": {1, 4}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil)
			b.server.Put("bucket", testKey, first)
			b.fail("ReadObject", 1, httpfault.Truncate(3000))
			r, err := b.changed(t, withoutGeneration(tt.skip)()).OpenLTXFile(t.Context(), 0, 1, 1, 0, 5000)
			require.NoError(t, err)
			defer r.Close()
			_, err = io.ReadFull(r, make([]byte, 3000))
			require.NoError(t, err)
			b.server.Put("bucket", testKey, second)
			more, err := io.ReadAll(r)
			require.Error(t, err)
			assert.Empty(t, more)
			assert.LessOrEqual(t, b.faults.Counts()["ReadObject"], tt.requests)
		})
	}

	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, first)
	parallel := b.client(t, func(cfg *Config) {
		cfg.Transfer.ReadConcurrency, cfg.Transfer.ReadMemory = 3, 3*testChunk
		change, n := withoutGeneration(0)(), 0
		cfg.HTTP.RoundTripper = roundTrip(func(req *http.Request) (*http.Response, error) {
			answer, err := change(req, http.DefaultTransport)
			if n++; n == 1 {
				b.server.Put("bucket", testKey, second)
			}
			return answer, err
		})
	})
	r, err := parallel.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(first, got), "one version, in one answer")
	b.counts(t, map[string]int{"ReadObject": 1})
}

// An upload goes on where it began: no other place gets its token, its body or
// its end.
func TestSessionElsewhere(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	begins := func(location func(real string) string) httpfault.Effect {
		return func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
			told := httptest.NewRecorder()
			x.Next.ServeHTTP(told, r)
			w.Header().Set("Location", location(told.Header().Get("Location")))
			w.WriteHeader(200)
		}
	}
	for name, location := range map[string]func(string) string{
		"other host":   func(string) string { return elsewhere.URL + "/upload?uploadType=resumable&upload_id=secret-session" },
		"other scheme": func(real string) string { return strings.Replace(real, "http://", "https://", 1) },
		"other port":   func(string) string { return "http://127.0.0.1:1/upload?upload_id=secret-session" },
		"no scheme": func(string) string {
			return strings.TrimPrefix(elsewhere.URL, "http:") + "/upload?upload_id=secret-session"
		},
		"with a user": func(real string) string { return strings.Replace(real, "http://", "http://me:secret-session@", 1) },
		"file":        func(string) string { return "file:///etc/passwd?upload_id=secret-session" },
		"not a URL":   func(string) string { return "http://h:x/?upload_id=secret-session" },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil)
			b.fail("StartResumableWrite", -1, begins(location))
			_, err := b.write(t, onlyRead{bytes.NewReader(ltxBody(t, 3*testChunk))})
			require.ErrorIs(t, err, errors.ErrUnsupported)
			assert.False(t, ltxstore.IsRetryable(err))
			assert.ErrorContains(t, err, "service continues an upload at")
			assert.NotContains(t, err.Error(), "secret-session")
			assert.Zero(t, asked)
			b.counts(t, map[string]int{"StartResumableWrite": 1})
		})
	}
	for name, location := range map[string]func(string) string{
		"relative":         func(real string) string { return real[strings.Index(real, "/upload"):] },
		"host in capitals": func(real string) string { return strings.Replace(real, "http://", "HTTP://", 1) },
		"as it is":         func(real string) string { return real },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil)
			b.fail("StartResumableWrite", -1, begins(location))
			body := ltxBody(t, 2*testChunk+5)
			_, err := b.write(t, onlyRead{bytes.NewReader(body)})
			require.NoError(t, err)
			b.holds(t, body)
		})
	}

	b := newBench(t, gcsfake.Options{}, nil)
	b.fail("StartResumableWrite", -1, jsonAnswer(200, `{"kind":"storage#object"}`))
	_, err := b.write(t, onlyRead{bytes.NewReader(ltxBody(t, 3*testChunk))})
	require.ErrorIs(t, err, ltxstore.ErrUnavailable, "no address at all")
}

// Nor does it end anywhere else: only the answer to its beginning has its
// address.
func TestSessionEndsWhereItBegan(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	b := newBench(t, gcsfake.Options{}, nil)
	b.fail("WriteChunk", 1, func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", elsewhere.URL+"/?upload_id=1")
		x.Next.ServeHTTP(w, r)
	})
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 1, Times: -1, Do: httpfault.Status(400, nil, "")})
	_, err := b.write(t, onlyRead{bytes.NewReader(ltxBody(t, 3*testChunk))})
	require.Error(t, err)
	assert.Zero(t, asked)
	assert.Equal(t, 1, b.faults.Counts()["CancelResumableWrite"])
	b.nothing(t)
}

// The port of a scheme may be left out.
func TestSameOrigin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"https://h/x", "https://H:443/y", true}, {"http://h:80", "http://h", true}, {"https://h", "http://h", false},
		{"https://h:80", "https://h", false}, {"https://h", "https://h.example", false}, {"http://[::1]:80", "http://[::1]", true},
	} {
		a, err := http.NewRequest("GET", tt.a, nil)
		require.NoError(t, err)
		b, err := http.NewRequest("GET", tt.b, nil)
		require.NoError(t, err)
		assert.Equal(t, tt.same, sameOrigin(a.URL, b.URL), "%v", tt)
	}
}

// No request is sent on to where an answer points, neither those of the store
// nor that for a token, which has a key's signature in it.
func TestNoRedirect(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		away := httpfault.Status(status, http.Header{"Location": {elsewhere.URL + "/x?upload_id=1"}}, "")
		for what, op := range operations {
			b := newBench(t, gcsfake.Options{}, nil)
			b.server.Put("bucket", testKey, ltxBody(t, 1000))
			b.fail(op.request, -1, away)
			require.Error(t, op.do(t, b), "%s %d", what, status)
			assert.Contains(t, b.server.Keys("bucket"), testKey)
		}
		token := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, status)
		}))
		b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.CredentialsJSON = serviceAccount(t, token.URL) })
		_, err := b.read(t, 0, 0)
		require.Error(t, err)
		assert.Zero(t, b.faults.Requests())
		token.Close()
	}
	assert.Zero(t, asked)
}
