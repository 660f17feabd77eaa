package gcsfake_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
)

func TestRanges(t *testing.T) {
	both(t, func(t *testing.T, options ...option.ClientOption) {
		s := serve(t, gcsfake.Options{}, options...)
		s.Put(name, "a", []byte("0123456789"))
		s.Put(name, "empty", nil)
		for _, tt := range []struct {
			offset, length int64
			want           string
			code           int
		}{
			{0, -1, "0123456789", 0}, {3, -1, "3456789", 0}, {3, 4, "3456", 0}, {3, 99, "3456789", 0}, {-3, -1, "789", 0},
			{-99, -1, "0123456789", 0}, {9, 1, "9", 0}, {10, -1, "", 416}, {10, 1, "", 416}, {99, -1, "", 416}, {0, 0, "", 0},
		} {
			got, r, err := read(t.Context(), s.Object("a"), tt.offset, tt.length)
			if tt.code != 0 {
				e := requireError(t, err, tt.code)
				assert.Equal(t, "bytes */10", e.Header.Get("Content-Range"))
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
			assert.EqualValues(t, 10, r.Attrs.Size)
			assert.Equal(t, max(0, (tt.offset+10)%10), r.Attrs.StartOffset%10)
		}
		_, _, err := read(t.Context(), s.Object("empty"), 0, 1)
		requireError(t, err, http.StatusRequestedRangeNotSatisfiable)
		got, _, err := read(t.Context(), s.Object("empty"), 0, -1)
		require.NoError(t, err)
		assert.Empty(t, got)
	})
}

func TestReadHeaders(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := serve(t, gcsfake.Options{Clock: func() time.Time { return now }})
	s.Put(name, "a/b", []byte("0123456789"))
	xml := s.send(t, "GET", "/bucket/a/b", "", "Range", "bytes=1-2")
	assert.Equal(t, http.StatusPartialContent, xml.StatusCode)
	assert.Equal(t, "12", xml.body)
	assert.Equal(t, "bytes 1-2/10", xml.Header.Get("Content-Range"))
	assert.Len(t, xml.Header.Values("X-Goog-Hash"), 2)
	assert.Equal(t, "10", xml.Header.Get("X-Goog-Stored-Content-Length"))
	assert.Equal(t, "Fri, 02 Jan 2026 03:04:05 GMT", xml.Header.Get("Last-Modified"))
	assert.Equal(t, "application/octet-stream", xml.Header.Get("Content-Type"))
	assert.NotEmpty(t, xml.Header.Get("ETag"))
	for _, path := range []string{"/storage/v1/b/bucket/o/a%2Fb?alt=media", "/download/storage/v1/b/bucket/o/a%2Fb?alt=media", "/b/bucket/o/a%2Fb?alt=media"} {
		json := s.send(t, "GET", path, "")
		assert.Equal(t, "0123456789", json.body)
		require.Len(t, json.Header.Values("X-Goog-Hash"), 1)
		assert.Equal(t, xml.Header.Values("X-Goog-Hash")[0]+","+xml.Header.Values("X-Goog-Hash")[1], json.Header.Get("X-Goog-Hash"))
		assert.Equal(t, xml.Header.Get("X-Goog-Generation"), json.Header.Get("X-Goog-Generation"))
	}
	head := s.send(t, "HEAD", "/bucket/a%2Fb", "")
	assert.Equal(t, "10", head.Header.Get("Content-Length"))
	assert.Equal(t, http.StatusNotFound, s.send(t, "HEAD", "/bucket/missing", "").StatusCode)
}

func TestTranscoding(t *testing.T) {
	plain := bodyOf(1000)
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, err := io.WriteString(z, plain)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	stored := buf.String()

	s := serve(t, gcsfake.Options{})
	gzipped := func(w *storage.Writer) { w.ContentEncoding = "gzip" }
	require.NoError(t, write(t, s.Object("a"), stored, gzipped))
	require.NoError(t, write(t, s.Object("kept"), stored, gzipped, func(w *storage.Writer) { w.CacheControl = "no-transform" }))
	require.NoError(t, write(t, s.Object("liar"), plain, gzipped))
	require.NoError(t, write(t, s.Object("short"), stored[:len(stored)/2], gzipped))

	got := s.send(t, "GET", "/bucket/a", "", "Range", "bytes=1-2")
	assert.Equal(t, http.StatusOK, got.StatusCode, "the range is ignored")
	assert.Equal(t, plain, got.body)
	assert.Equal(t, "gzip", got.Header.Get("X-Goog-Stored-Content-Encoding"))
	assert.Empty(t, got.Header.Get("Content-Encoding"))
	got = s.send(t, "GET", "/bucket/a", "", "Range", "bytes=1-2", "Accept-Encoding", "gzip")
	assert.Equal(t, stored[1:3], got.body)
	assert.Equal(t, "gzip", got.Header.Get("Content-Encoding"))
	assert.Equal(t, stored[1:3], s.send(t, "GET", "/bucket/kept", "", "Range", "bytes=1-2").body)
	assert.Equal(t, plain, s.send(t, "GET", "/bucket/liar", "", "Accept-Encoding", "identity").body)
	assert.Equal(t, stored[:len(stored)/2], s.send(t, "GET", "/bucket/short", "", "Accept-Encoding", "identity").body)

	text, r, err := read(t.Context(), s.Object("a"), 0, -1)
	require.NoError(t, err)
	assert.Equal(t, plain, text)
	assert.True(t, r.Attrs.Decompressed)
	text, r, err = read(t.Context(), s.Object("a").ReadCompressed(true), 3, 5)
	require.NoError(t, err)
	assert.Equal(t, stored[3:8], text)
	assert.False(t, r.Attrs.Decompressed)
}

// What the library cannot do: the stored form over the JSON API.
func TestReadCompressedJSON(t *testing.T) {
	s := serve(t, gcsfake.Options{}, storage.WithJSONReads())
	s.Put(name, "a", []byte("x"))
	_, _, err := read(t.Context(), s.Object("a").ReadCompressed(true), 0, -1)
	require.ErrorContains(t, err, "custom Accept-Encoding headers not allowed")
}
