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

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/scrub"
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
		require.ErrorContains(t, err, "rejects the range from 0 of 10000 bytes", size)
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
			assert.ErrorContains(t, err, "upload continues at")
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

// An answer is read up to its bound, which a listing has further off; an error is cut, to a
// page's beginning if it is not the service's.
func TestReadAnswer(t *testing.T) {
	s := &sending{roundTripper: &roundTripper{secrets: new(scrub.Secrets)}}
	for _, tt := range []struct {
		status int
		op     operation
		body   string
		want   int // bytes, -1 for an error
	}{
		{200, opAttrs, strings.Repeat("x", maxDocument), maxDocument},
		{200, opAttrs, strings.Repeat("x", maxDocument+1), -1},
		{200, opList, strings.Repeat("x", maxDocument+1), maxDocument + 1},
		{299, opAttrs, strings.Repeat("x", maxError+1), maxError + 1},
		{300, opAttrs, `"` + strings.Repeat("x", maxError) + `"`, maxPage},
		{404, opAttrs, `"` + strings.Repeat("x", maxPage) + `"`, maxPage + 2},
		{404, opAttrs, "<p>", 3},
	} {
		s.op = tt.op
		content, err := s.readAnswer(&http.Response{StatusCode: tt.status, Body: io.NopCloser(strings.NewReader(tt.body))})
		if tt.want < 0 {
			assert.Error(t, err)
			continue
		}
		require.NoError(t, err)
		assert.Len(t, content, tt.want)
	}
}

// What is believed of an answer to a deletion, to the beginning of an upload, and to a range.
func TestCheckAnswer(t *testing.T) {
	s := &sending{roundTripper: &roundTripper{secrets: new(scrub.Secrets)}}
	for _, tt := range []struct {
		status  int
		content string
		gone    bool
	}{{204, "", true}, {200, "null\n", true}, {200, "{}", false}, {200, "", false}, {202, "null", false}, {404, "null", false}} {
		assert.Equal(t, tt.gone, s.checkDeleted(&http.Response{StatusCode: tt.status}, []byte(tt.content)) == nil, tt)
	}
	req := httptest.NewRequest(http.MethodPost, "http://h/o", nil)
	for _, tt := range []struct {
		status   int
		location string
		begun    bool
	}{{200, "/s", true}, {201, "http://h/s", true}, {202, "/s", false}, {204, "/s", false}, {200, "", false}, {201, "", false}} {
		assert.Equal(t, tt.begun, s.checkSession(req, &http.Response{StatusCode: tt.status, Header: http.Header{"Location": {tt.location}}}) == nil, tt)
	}
	for _, tt := range []struct {
		asked, told string
		length      int64
		ok          bool
	}{
		{"bytes=5-9", "bytes 5-9/100", 5, true}, {"bytes=5-9", "bytes 5-9/100", -1, true}, {"bytes=5-9", "bytes 5-9/100", 0, false}, {"bytes=5-9", "bytes 5-9/100", 6, false},
		{"bytes=5-9", "bytes 5-10/100", 6, false}, {"bytes=5-9", "bytes 5-8/100", 4, true}, {"bytes=5-", "bytes 5-10/100", 6, true},
		{"bytes=5-9", "bytes 5-9/*", 5, false}, {"bytes=5-9", "", 5, false}, {"", "bytes 0-9/10", 10, false},
	} {
		err := s.checkRange(tt.asked, &http.Response{ContentLength: tt.length, Header: http.Header{"Content-Range": {tt.told}}, Body: http.NoBody})
		assert.Equal(t, tt.ok, err == nil, "%v %v", tt, err)
	}
}

// What a bucket tells of what has no version, or no bytes.
func TestBucket(t *testing.T) {
	for generation, want := range map[int64]string{-1: "", 0: "", 1: "1"} {
		assert.Equal(t, want, versionOf(generation))
	}
	b := newBench(t, gcsfake.Options{}, nil)
	for name, cfg := range map[string]Config{"own": b.given(), "XML": b.over(t).given(), "JSON": b.over(t, storage.WithJSONReads()).given()} {
		store, err := cfg.connect(t.Context(), new(oplog.Logger))
		require.NoError(t, err)
		bucket := store.Bucket.(*bucket)
		b.server.Put("bucket", "k", nil)
		content, err := bucket.Get(t.Context(), "k", object.GetOptions{})
		require.NoError(t, err)
		content.Body.Close()
		assert.Zero(t, content.Length)
		require.Error(t, bucket.DeleteVersion(t.Context(), "k", content.Version+"0"))
		require.Error(t, bucket.DeleteVersion(t.Context(), "k", "without a generation"))
		require.NoError(t, bucket.DeleteVersion(t.Context(), "k", content.Version))

		for _, header := range []http.Header{{"X-Goog-Stored-Content-Length": {"4"}}, {"X-Goog-Generation": {"0"}}} {
			b.fail("ReadObject", 1, httpfault.Status(200, header, "body"))
			content, err = bucket.Get(t.Context(), "k", object.GetOptions{})
			if name != "own" {
				assert.ErrorContains(t, err, "without a generation", name)
				continue
			}
			require.NoError(t, err)
			content.Body.Close()
			assert.Empty(t, content.Version)
		}
		if store.Close != nil {
			store.Close()
		}
	}
}
