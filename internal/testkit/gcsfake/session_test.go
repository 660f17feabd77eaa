package gcsfake_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

const chunk = 256 << 10

func bodyOf(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:size]
}

// A body below the chunk is one request; else the session costs one, each
// chunk one, and one that ends where a chunk does another, empty one.
func TestChunks(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	for size, requests := range map[int]map[string]int{
		0:           {"WriteObject": 1},
		chunk - 1:   {"WriteObject": 1},
		chunk:       {"StartResumableWrite": 1, "WriteChunk": 2},
		chunk + 1:   {"StartResumableWrite": 1, "WriteChunk": 2},
		3*chunk - 1: {"StartResumableWrite": 1, "WriteChunk": 3},
		3 * chunk:   {"StartResumableWrite": 1, "WriteChunk": 4},
	} {
		s.layer.Reset()
		key, body := fmt.Sprint(size), bodyOf(size)
		require.NoError(t, write(t, s.Object(key), body, chunked, func(w *storage.Writer) { w.Metadata = map[string]string{"k": "v"} }))
		assert.Equal(t, requests, s.layer.Counts(), "%d bytes", size)
		got, _ := s.Get(name, key)
		assert.Equal(t, body, string(got.Body))
		assert.Equal(t, map[string]string{"k": "v"}, got.Metadata)
	}
	assert.Empty(t, s.Sessions(name))
}

// A chunk whose answer was lost is sent again, and is not there twice: neither
// one in the middle nor the last.
func TestChunkSentAgain(t *testing.T) {
	for skip := range 3 {
		s := serve(t, gcsfake.Options{})
		s.layer.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: skip, Do: lost503})
		body := bodyOf(2*chunk + 5)
		o := s.Object("a").If(storage.Conditions{DoesNotExist: true}).Retryer(storage.WithPolicy(storage.RetryIdempotent))
		require.NoError(t, write(t, o, body, chunked))
		assert.Zero(t, s.layer.Unused())
		assert.Equal(t, map[string]int{"StartResumableWrite": 1, "WriteChunk": 4}, s.layer.Counts())
		got, _ := s.Get(name, "a")
		assert.Equal(t, body, string(got.Body))
	}
}

// lost503 lets the server do what is asked and answers 503 in its place.
func lost503(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
	x.Next.ServeHTTP(discard{http.Header{}}, r)
	w.WriteHeader(http.StatusServiceUnavailable)
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestLostConnection(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	s.layer.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Times: 2, Do: httpfault.LoseAnswer()})
	body := bodyOf(chunk + 5)
	o := s.Object("a").Retryer(storage.WithPolicy(storage.RetryAlways))
	require.NoError(t, write(t, o, body, chunked))
	got, _ := s.Get(name, "a")
	assert.Equal(t, body, string(got.Body))
}

func (s *service) begin(t *testing.T, query, description string, header ...string) (location string) {
	t.Helper()
	got := s.send(t, "POST", sessionPath+query, description, header...)
	require.Equal(t, http.StatusOK, got.StatusCode, got.body)
	return got.Header.Get("Location")
}

func TestSession(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	at := s.begin(t, "", `{"metadata":{"k":"v"}}`, "X-Upload-Content-Type", "text/x-test")
	assert.Equal(t, []string{"a"}, s.Sessions(name))
	body := bodyOf(2*chunk + 10)
	put := func(span string, from, to int) answer {
		return s.send(t, "PUT", at, body[from:to], "Content-Range", "bytes "+span)
	}
	incomplete := func(got answer, have int) {
		t.Helper()
		assert.Equal(t, http.StatusPermanentRedirect, got.StatusCode, got.body)
		want := ""
		if have > 0 {
			want = fmt.Sprintf("bytes=0-%d", have-1)
		}
		assert.Equal(t, want, got.Header.Get("Range"))
	}
	incomplete(put("*/*", 0, 0), 0)
	incomplete(put("*/524298", 0, 0), 0)
	incomplete(put("0-262143/*", 0, chunk), chunk)
	incomplete(put("0-262143/*", 0, chunk), chunk)
	incomplete(put("*/*", 0, 0), chunk)

	got := s.send(t, "PUT", at, "", "Content-Range", "bytes */*", "X-GUploader-No-308", "yes")
	assert.Equal(t, "200 308 bytes=0-262143", fmt.Sprint(got.StatusCode, " ", got.Header.Get("X-Http-Status-Code-Override"), " ", got.Header.Get("Range")))

	got = put("262145-524287/*", chunk+1, 2*chunk)
	assert.Equal(t, http.StatusServiceUnavailable, got.StatusCode, "a gap")
	assert.Contains(t, got.body, "offset is 262145 byte(s), which exceeds already uploaded size of 262144 byte(s)")
	for _, tt := range []struct {
		span     string
		from, to int
	}{
		{"262144-262153/*", chunk, chunk + 10},     // too short for one that is not the last
		{"262144-262153/524298", chunk, chunk + 9}, // not as long as it says
		{"262144-262153/262150", chunk, chunk + 10},
		{"262144-524287/524299", chunk, 2 * chunk}, // another total than before
		{"*/1", 0, 0},
		{"*/x", 0, 0},
		{"*/524298", 0, 1},
		{"1-0/*", 0, 0},
		{"x-1/*", 0, 2},
		{"0-x/*", 0, 2},
		{"0/*", 0, 1},
		{"0-0", 0, 1},
	} {
		assert.Equal(t, http.StatusBadRequest, put(tt.span, tt.from, tt.to).StatusCode, tt.span)
	}
	incomplete(put("*/*", 0, 0), chunk)
	assert.Empty(t, s.Keys(name))

	for range 2 { // the second time as after a lost answer
		got = put("131072-524297/524298", chunk/2, 2*chunk+10) // half of it known
		assert.Equal(t, http.StatusOK, got.StatusCode)
		assert.Contains(t, got.body, `"size":"524298"`)
	}
	assert.Equal(t, http.StatusOK, put("*/*", 0, 0).StatusCode)
	assert.Empty(t, s.Sessions(name))
	stored, _ := s.Get(name, "a")
	assert.Equal(t, body, string(stored.Body))
	assert.Equal(t, "text/x-test", stored.ContentType)
	assert.Equal(t, map[string]string{"k": "v"}, stored.Metadata)
	assert.Equal(t, 499, s.send(t, "DELETE", at, "").StatusCode)
	assert.Equal(t, http.StatusOK, put("*/*", 0, 0).StatusCode, "what is finished is not cancelled")

	again := s.begin(t, "", "", "X-Upload-Content-Length", "3")
	assert.Equal(t, http.StatusBadRequest, s.send(t, "PUT", again, "abcd").StatusCode, "the length is another")
	assert.Equal(t, http.StatusOK, s.send(t, "PUT", again, "abc").StatusCode, "all at once")
	for _, length := range []string{"x", "-1"} {
		assert.Equal(t, http.StatusBadRequest, s.send(t, "POST", sessionPath, "", "X-Upload-Content-Length", length).StatusCode)
	}
}

func TestCancelledSession(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	at := s.begin(t, "", "")
	assert.Equal(t, 499, s.send(t, "DELETE", at, "").StatusCode)
	assert.Empty(t, s.Sessions(name))
	assert.Equal(t, http.StatusNotFound, s.send(t, "PUT", at, "abc").StatusCode)
	assert.Equal(t, http.StatusNotFound, s.send(t, "DELETE", at, "").StatusCode)
	assert.Empty(t, s.Keys(name))
}

func TestSessionHashes(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	s.Put(name, "right", []byte("abc"))
	right, _ := s.Get(name, "right")
	for _, header := range []string{"crc32c=" + right.CRC32C, "md5=" + right.MD5, "crc32c=" + right.CRC32C + ",md5=" + right.MD5} {
		at := s.begin(t, "", "")
		assert.Equal(t, http.StatusBadRequest, s.send(t, "PUT", at, "abd", "X-Goog-Hash", header).StatusCode)
		assert.Empty(t, s.Sessions(name))
		assert.NotContains(t, s.Keys(name), "a")
	}
	at := s.begin(t, "", `{"crc32c":"`+right.CRC32C+`"}`)
	assert.Equal(t, http.StatusBadRequest, s.send(t, "PUT", at, "abd").StatusCode)
	at = s.begin(t, "", `{"crc32c":"`+right.CRC32C+`","md5Hash":"`+right.MD5+`"}`)
	assert.Equal(t, http.StatusOK, s.send(t, "PUT", at, "abc", "X-Goog-Hash", "crc32c="+right.CRC32C).StatusCode)

	// The library's own: of all chunks, with the last.
	require.NoError(t, write(t, s.Object("a"), bodyOf(chunk), chunked))
	s.layer.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Do: func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		body[7]++
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		x.Next.ServeHTTP(w, r)
	}})
	requireError(t, write(t, s.Object("damaged"), bodyOf(2*chunk+1), chunked), http.StatusBadRequest)
	assert.NotContains(t, s.Keys(name), "damaged")
}

// The condition is checked when a session begins and when it ends.
func TestSessionConditions(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	at := s.begin(t, "&ifGenerationMatch=0", "")
	s.Put(name, "a", []byte("first"))
	assert.Equal(t, http.StatusPreconditionFailed, s.send(t, "PUT", at, "second").StatusCode)
	assert.Equal(t, http.StatusPreconditionFailed, s.send(t, "POST", sessionPath+"&ifGenerationMatch=0", "").StatusCode)
	got, _ := s.Get(name, "a")
	assert.Equal(t, "first", string(got.Body))
}

// A chunk that was cut is kept in whole quanta, and stores no object.
func TestCutChunk(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	at := s.begin(t, "", "")
	path := strings.TrimPrefix(at, s.url)
	body := bodyOf(2*chunk + 5)
	s.raw(t, fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: x\r\nContent-Range: bytes 0-524292/524293\r\nContent-Length: 524293\r\n\r\n%s", path, body[:chunk+7]))
	s.raw(t, fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 524293\r\n\r\n%s", path, body[:chunk+9]))
	assert.Empty(t, s.Keys(name))
	got := s.send(t, "PUT", at, "", "Content-Range", "bytes */*")
	assert.Equal(t, "bytes=0-262143", got.Header.Get("Range"))
	got = s.send(t, "PUT", at, body[10:], "Content-Range", "bytes 10-524292/524293")
	assert.Equal(t, http.StatusOK, got.StatusCode, got.body)
	stored, _ := s.Get(name, "a")
	assert.Equal(t, body, string(stored.Body))
	s.raw(t, "POST "+sessionPath+" HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}")
	assert.Empty(t, s.Sessions(name))
}
