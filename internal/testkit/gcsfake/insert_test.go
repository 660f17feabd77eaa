package gcsfake_test

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
)

const (
	insertPath  = "/upload/storage/v1/b/bucket/o?uploadType=multipart&name=a"
	sessionPath = "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=a"
	related     = "multipart/related; boundary=XX"
	head        = "--XX\r\nContent-Type: application/json\r\n\r\n"
	media       = "\r\n--XX\r\nContent-Type: text/x-test\r\n\r\n"
	tail        = "\r\n--XX--\r\n"
)

func crc(body string) uint32 {
	return crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))
}

func TestInsertVerifies(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	o := s.Object("a")
	sum := md5.Sum([]byte("content"))
	require.NoError(t, write(t, o, "content", func(w *storage.Writer) { w.SendCRC32C, w.CRC32C = true, crc("content") }))
	require.NoError(t, write(t, o, "content", func(w *storage.Writer) { w.MD5 = sum[:] }))
	before, _ := s.Get(name, "a")
	requireError(t, write(t, o, "other", func(w *storage.Writer) { w.SendCRC32C, w.CRC32C = true, crc("content") }), http.StatusBadRequest)
	requireError(t, write(t, o, "other", func(w *storage.Writer) { w.MD5 = sum[:] }), http.StatusBadRequest)

	raw := head + `{"size":"%s"}` + media + "content" + tail
	assert.Equal(t, http.StatusBadRequest, s.send(t, "POST", insertPath, fmt.Sprintf(raw, "8"), "Content-Type", related).StatusCode)
	assert.Equal(t, http.StatusBadRequest, s.send(t, "POST", insertPath, fmt.Sprintf(raw, "7"), "Content-Type", related, "X-Goog-Hash", "crc32c=AAAAAA==").StatusCode)
	after, _ := s.Get(name, "a")
	assert.Equal(t, before, after, "what was refused is not there")
	assert.Equal(t, http.StatusOK, s.send(t, "POST", insertPath, fmt.Sprintf(raw, "7"), "Content-Type", related, "X-Goog-Hash", "md5="+before.MD5+",crc32c="+before.CRC32C).StatusCode)
	after, _ = s.Get(name, "a")
	assert.Greater(t, after.Generation, before.Generation)
	assert.Equal(t, "text/x-test", after.ContentType)
}

func TestInsertRefuses(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	whole := head + "{}" + media + "content" + tail
	for _, tt := range []struct{ why, path, contentType, body string }{
		{"no boundary", insertPath, "multipart/related", whole},
		{"another kind", insertPath, "multipart/form-data; boundary=XX", whole},
		{"no parts", insertPath, related, ""},
		{"one part", insertPath, related, head + "{}" + tail},
		{"three parts", insertPath, related, head + "{}" + media + "a" + media + "b" + tail},
		{"media first", insertPath, related, "--XX\r\nContent-Type: text/plain\r\n\r\n{}" + media + "a" + tail},
		{"no JSON", insertPath, related, head + "{" + media + "content" + tail},
		{"no closing boundary", insertPath, related, head + "{}" + media + "content"},
		{"an open boundary at the end", insertPath, related, head + "{}" + media + "content\r\n--XX"},
		{"half a header", insertPath, related, head + "{}\r\n--XX\r\nContent-Ty"},
		{"no name", "/upload/storage/v1/b/bucket/o?uploadType=multipart", related, whole},
		{"two names", insertPath, related, head + `{"name":"b"}` + media + "content" + tail},
		{"another bucket", insertPath, related, head + `{"bucket":"b"}` + media + "content" + tail},
		{"storage class", insertPath, related, head + `{"storageClass":"WARM"}` + media + "content" + tail},
		{"KMS key", insertPath + "&kmsKeyName=key", related, whole},
		{"condition", insertPath + "&ifGenerationMatch=x", related, whole},
		{"name", "/upload/storage/v1/b/bucket/o?uploadType=multipart&name=a%0Ab", related, whole},
		{"dots", "/upload/storage/v1/b/bucket/o?uploadType=multipart&name=..", related, whole},
		{"no UTF-8", "/upload/storage/v1/b/bucket/o?uploadType=multipart&name=%FF", related, whole},
		{"long", "/upload/storage/v1/b/bucket/o?uploadType=multipart&name=" + strings.Repeat("a", 1025), related, whole},
	} {
		got := s.send(t, "POST", tt.path, tt.body, "Content-Type", tt.contentType)
		assert.Equal(t, http.StatusBadRequest, got.StatusCode, "%s: %s", tt.why, got.body)
	}
	assert.Empty(t, s.Keys(name))
}

// raw sends the bytes, closes its half of the connection, and waits for the
// server to be done with it.
func (s *service) raw(t *testing.T, request string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	_, err = io.Copy(io.Discard, conn)
	require.NoError(t, err)
}

func TestCutUploadStoresNothing(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	intro := "POST " + insertPath + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + related + "\r\n"
	whole := head + "{}" + media + "content" + tail
	s.raw(t, intro+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(whole)+1)+whole)
	s.raw(t, intro+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(whole))+whole[:len(whole)-len(tail)-2])
	s.raw(t, intro+fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(whole), whole))
	assert.Empty(t, s.Keys(name))
	s.raw(t, intro+fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(whole), whole))
	assert.Equal(t, []string{"a"}, s.Keys(name), "the same with its end is stored")
}

// With a source that fails, the client library sends the closing boundary all
// the same, and breaks the connection behind it. An eager server is fooled by
// that, but not against a hash that came first.
func TestFailedSource(t *testing.T) {
	for _, eager := range []bool{false, true} {
		s := serve(t, gcsfake.Options{Eager: eager})
		w := s.Object("a").NewWriter(t.Context())
		w.ChunkSize, w.SendCRC32C, w.CRC32C = 0, eager, crc("the whole")
		_, err := io.WriteString(w, "half")
		require.NoError(t, err)
		//lint:ignore SA1019 cancelling the context ends the source in good order, now and then
		require.NoError(t, w.CloseWithError(errors.New("broken source")))
		require.Error(t, w.Close())
		assert.Empty(t, s.Keys(name))
	}
}

// An eager server takes what a strict one refuses.
func TestEager(t *testing.T) {
	s := serve(t, gcsfake.Options{Eager: true})
	whole := head + "{}" + media + "half" + tail
	intro := "POST " + insertPath + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + related + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	s.raw(t, intro+fmt.Sprintf("%x\r\n%s\r\n", len(whole)-len(tail), whole[:len(whole)-len(tail)]))
	assert.Empty(t, s.Keys(name), "without the boundary")
	s.raw(t, intro+fmt.Sprintf("%x\r\n%s\r\n", len(whole), whole))
	got, _ := s.Get(name, "a")
	assert.Equal(t, "half", string(got.Body))
}

func TestOneWinner(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	for _, chunkSize := range []int{0, 256 << 10} {
		for round := range 3 {
			key := fmt.Sprint(chunkSize, "/", round)
			o := s.Object(key).If(storage.Conditions{DoesNotExist: true})
			var won atomic.Int64
			var winner atomic.Value
			var wg sync.WaitGroup
			for i := range 6 {
				wg.Go(func() {
					body := strings.Repeat(fmt.Sprint(i), chunk+1)
					err := write(t, o, body, func(w *storage.Writer) { w.ChunkSize = chunkSize })
					if err == nil {
						won.Add(1)
						winner.Store(body)
						return
					}
					assert.ErrorContains(t, err, "conditionNotMet")
				})
			}
			wg.Wait()
			assert.EqualValues(t, 1, won.Load())
			got, _ := s.Get(name, key)
			assert.Equal(t, winner.Load(), string(got.Body))
		}
	}
}

func TestCancelStoresNothing(t *testing.T) {
	s := serve(t, gcsfake.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	w := s.Object("a").NewWriter(ctx)
	w.ChunkSize = 256 << 10
	_, err := io.WriteString(w, strings.Repeat("x", 600<<10))
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, w.Close(), context.Canceled)
	assert.Empty(t, s.Keys(name))
}
