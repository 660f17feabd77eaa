package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
)

const firstKey = "db/ltx/0000/0000000000000001-0000000000000001.ltx"

func TestOpenRanges(t *testing.T) {
	s, c := newStub(t, nil)
	b := stubLTX(t, 1, stubTime, 900)
	s.put(firstKey, b)
	for _, offset := range []int64{0, 1, 500, 999, 1000, 1001, math.MaxInt64} {
		for _, size := range []int64{0, 1, 500, 999, 1000, 2000, math.MaxInt64} {
			from, to := min(offset, 1000), int64(1000)
			if size > 0 && size < to-from {
				to = from + size
			}
			name := fmt.Sprintf("offset %d size %d", offset, size)
			before := len(s.requests)
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
			require.NoError(t, err, name)
			require.NoError(t, iotest.TestReader(r, b[from:to]), name)
			require.NoError(t, r.Close())
			require.NoError(t, r.Close())
			_, err = r.Read(make([]byte, 1))
			require.ErrorIs(t, err, fs.ErrClosed, name)
			assert.Equal(t, before+1, len(s.requests), name)
		}
	}
	for _, bad := range [][2]int64{{-1, 0}, {0, -1}} {
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, bad[0], bad[1])
		require.ErrorIs(t, err, fs.ErrInvalid)
	}
}

func TestOpenMissing(t *testing.T) {
	s, c := newStub(t, nil)
	s.put(stubKey("db/ltx/0000/", 2), nil)
	for _, offset := range []int64{0, 10, 1000} {
		for _, size := range []int64{0, 10} {
			for id := 1; id <= 2; id++ {
				_, err := c.OpenLTXFile(t.Context(), 0, ltx.TXID(id), ltx.TXID(id), offset, size)
				require.ErrorIs(t, err, fs.ErrNotExist, "offset %d size %d id %d", offset, size, id)
				assert.ErrorContains(t, err, "s3: open db/ltx/0000/")
				assert.False(t, ltxstore.IsRetryable(err))
			}
		}
	}
	for code, want := range map[string]error{"AccessDenied": fs.ErrPermission, "NoSuchBucket": ltxstore.ErrStoreNotFound, "SlowDown": ltxstore.ErrThrottled} {
		s.tell(func(_ int, w http.ResponseWriter, _ *http.Request) bool { stubFail(w, 404, code); return true })
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, want)
		require.NotErrorIs(t, err, fs.ErrNotExist)
	}
}

// What a 416 says depends on the size, which may have to be asked for.
func TestOpenRefusedRange(t *testing.T) {
	for _, tc := range []struct {
		name, contentRange string
		size, heads        int
		want               string
	}{
		{"size told", "bytes */100", 100, 0, ""},
		{"size not told", "", 100, 1, ""},
		{"empty", "bytes */0", 0, 0, "torn upload"},
		{"empty, not told", "", 0, 1, "torn upload"},
		{"refused for no reason", "bytes */1000", 1000, 0, "rejects the range from 100 of 1000 bytes"},
		{"refused for no reason, not told", "", 1000, 1, "rejects the range from 100 of 1000 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := newStub(t, nil)
			s.put(firstKey, make([]byte, tc.size))
			s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.Method == "HEAD" {
					return false
				}
				if tc.contentRange != "" {
					w.Header().Set("Content-Range", tc.contentRange)
				}
				stubFail(w, 416, "InvalidRange")
				return true
			})
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 100, 10)
			assert.Equal(t, tc.heads, s.seen("HEAD"))
			if tc.want != "" {
				require.ErrorContains(t, err, tc.want)
				assert.Equal(t, tc.size == 0, errors.Is(err, fs.ErrNotExist))
				return
			}
			require.NoError(t, err)
			require.NoError(t, iotest.TestReader(r, nil))
			require.NoError(t, r.Close())
		})
	}
}

// A store that ignores ranges, or answers others, never yields wrong bytes.
func TestOpenIgnoredRange(t *testing.T) {
	b := stubLTX(t, 1, stubTime, 900)
	s, c := newStub(t, nil)
	s.put(firstKey, b)
	s.tell(func(_ int, _ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Range"); return false })
	for _, span := range [][2]int64{{0, 10}, {10, 0}, {10, 10}, {999, 0}, {999, 5}, {1000, 0}, {1001, 4}} {
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, span[0], span[1])
		require.NoError(t, err)
		want := b[min(span[0], 1000):]
		if span[1] > 0 {
			want = want[:min(span[1], int64(len(want)))]
		}
		require.NoError(t, iotest.TestReader(r, want))
		require.NoError(t, r.Close())
	}

	s.tell(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", strconv.Itoa(64<<20+1000))
		w.Header().Set("ETag", `"large"`)
		w.WriteHeader(200)
		return true
	})
	_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 64<<20+1, 10)
	require.ErrorIs(t, err, errors.ErrUnsupported)

	for answer, want := range map[string]string{
		"":                 "Content-Range",
		"bytes 0-9/1000":   "want it to start at 10",
		"bytes 10-29/1000": "want at most 10",
		"bytes 10-18/1000": "Content-Length 10",
		"garbage":          "Content-Range",
	} {
		s.tell(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			if answer != "" {
				w.Header().Set("Content-Range", answer)
			}
			w.WriteHeader(206)
			w.Write(b[:10])
			return true
		})
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 10, 10)
		require.ErrorContains(t, err, want)
	}
}

// An answer that does not tell the size costs a HEAD, and is counted anyway.
func TestOpenUnknownSize(t *testing.T) {
	b := stubLTX(t, 1, stubTime, 900)
	s, c := newStub(t, nil)
	s.put(firstKey, b)
	etag := s.objects[firstKey].etag
	s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "HEAD" || r.Header.Get("If-Match") != "" {
			return false
		}
		w.Header().Set("ETag", etag)
		switch r.Header.Get("Range") {
		case "":
			w.(http.Flusher).Flush() // chunked
			w.Write(b[:700])         // and short
		default:
			w.Header().Set("Content-Range", "bytes 100-199/*")
			w.WriteHeader(206)
			w.Write(b[100:200])
		}
		return true
	})
	for i, offset := range []int64{0, 100} {
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, 0)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(b[offset:], got))
		require.NoError(t, r.Close())
		assert.Equal(t, i+1, s.seen("HEAD"))
	}
}

// breakBodies cuts every body that is longer than n bytes after n.
func breakBodies(s *stub, n int) {
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "GET" && kindOfRequest(r) == "GET" {
			s.mu.Lock()
			object := s.objects[strings.TrimPrefix(r.URL.Path, "/bucket/")]
			s.mu.Unlock()
			if match := r.Header.Get("If-Match"); match != "" && match != object.etag {
				return false
			}
			cut := &cutter{ResponseWriter: w, left: n}
			w.Header().Set("ETag", object.etag)
			http.ServeContent(cut, r, "", object.modified, bytes.NewReader(object.body))
			if cut.left < 0 {
				panic(http.ErrAbortHandler)
			}
			return true
		}
		return false
	})
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.left < 0 {
		return 0, io.ErrClosedPipe
	}
	n := min(len(p), c.left)
	c.ResponseWriter.Write(p[:n])
	c.left -= n
	if n < len(p) {
		c.ResponseWriter.(http.Flusher).Flush()
		c.left = -1
		return n, io.ErrClosedPipe
	}
	return n, nil
}

func TestOpenResumes(t *testing.T) {
	b := stubLTX(t, 1, stubTime, 9900)
	s, c := newStub(t, nil)
	s.put(firstKey, b)
	breakBodies(s, 1000)
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 500, 9000)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(b[500:9500], got))
	require.NoError(t, r.Close())
	gets := s.of("GET")
	require.Len(t, gets, 9)
	for i, get := range gets {
		if i > 0 {
			assert.Equal(t, s.objects[firstKey].etag, get.Header.Get("If-Match"))
		}
		assert.Equal(t, fmt.Sprintf("bytes=%d-9499", 500+1000*i), get.Header.Get("Range"))
	}
}

// withoutMatch is a server that does not know If-Match.
func withoutMatch(hook stubHook) stubHook {
	return func(n int, w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("If-Match")
		return hook(n, w, r)
	}
}

func TestOpenReplacedMeanwhile(t *testing.T) {
	old, other := stubLTX(t, 1, stubTime, 4900), stubLTX(t, 1, stubTime.Add(time.Hour), 4900)
	for _, tc := range []struct {
		name    string
		replace func(s *stub)
		want    string
		kind    error
	}{
		{"other content", func(s *stub) { s.put(firstKey, other) }, "replaced while being read", nil},
		{"shorter", func(s *stub) { s.put(firstKey, other[:10]) }, "replaced while being read", nil},
		{"deleted", func(s *stub) { s.remove(firstKey) }, "", fs.ErrNotExist},
		{"If-Match ignored", func(s *stub) {
			s.put(firstKey, other)
			hook := s.hook
			s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
				r.Header.Del("If-Match")
				return hook(n, w, r)
			})
		}, "version is", nil},
		{"If-Match ignored, no ETag", func(s *stub) {
			s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				http.ServeContent(w, r, "", stubTime, bytes.NewReader(other[:4000]))
				return true
			})
			s.tell(withoutMatch(s.told()))
		}, "without the requested version", nil},
		{"If-Match ignored, 416", func(s *stub) {
			s.put(firstKey, other[:10])
			hook := s.hook
			s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
				r.Header.Del("If-Match")
				return hook(n, w, r)
			})
		}, "replaced while being read", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, c := newStub(t, nil)
			s.put(firstKey, old)
			breakBodies(s, 1000)
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.NoError(t, err)
			defer r.Close()
			tc.replace(s)
			got, err := io.ReadAll(r)
			require.ErrorContains(t, err, tc.want)
			if tc.kind != nil {
				require.ErrorIs(t, err, tc.kind)
			}
			var e *ltxstore.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, "read", e.Op)
			assert.Equal(t, firstKey, e.Key)
			assert.NotErrorIs(t, err, fs.ErrExist)
			assert.False(t, ltxstore.IsRetryable(err))
			assert.True(t, bytes.HasPrefix(old, got), "never another file's bytes")
			assert.Equal(t, 2, s.seen("GET"), "not tried again")
		})
	}
}

// Without an ETag that can be pinned, a broken read is not resumed.
func TestOpenUnpinned(t *testing.T) {
	for _, etag := range []string{"", `W/"weak"`} {
		s, c := newStub(t, nil)
		s.put(firstKey, stubLTX(t, 1, stubTime, 4900))
		s.change(firstKey, func(o *stubObject) { o.etag = etag })
		breakBodies(s, 1000)
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.Error(t, err)
		assert.True(t, ltxstore.IsRetryable(err), "the caller may read again: %v", err)
		assert.Less(t, len(got), 5000)
		assert.Equal(t, 1, s.seen("GET"))
		require.NoError(t, r.Close())
	}
}

// A checksum of the whole object beside a range must not fail the range; one
// beside the whole object must be held to.
func TestOpenChecksums(t *testing.T) {
	b := stubLTX(t, 1, stubTime, 900)
	s, c := newStub(t, nil)
	s.put(firstKey, b)
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("x-amz-checksum-crc32", "AAAAAA==")
		return false
	})
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 100, 100)
	require.NoError(t, err)
	require.NoError(t, iotest.TestReader(r, b[100:200]))
	require.NoError(t, r.Close())

	r, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	require.NoError(t, r.Close())
}

func TestReadEndsWithContext(t *testing.T) {
	s, c := newStub(t, nil)
	s.put(firstKey, stubLTX(t, 1, stubTime, 900))
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	blocked := make(chan struct{}, 10)
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("ETag", `"e"`)
		w.Write([]byte("0123456789"))
		w.(http.Flusher).Flush()
		blocked <- struct{}{}
		select {
		case <-stop:
		case <-r.Context().Done():
		}
		return true
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	require.NoError(t, err)
	<-blocked
	time.AfterFunc(0, cancel)
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())

	r, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	<-blocked
	var done sync.WaitGroup
	done.Go(func() { _, err = io.ReadAll(r) })
	require.NoError(t, r.Close())
	done.Wait()
	require.ErrorIs(t, err, fs.ErrClosed)

	_, err = c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, context.Canceled)
}

// The idle timeout counts from the last byte, and a stalled body is resumed.
func TestReadIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := stubLTX(t, 1, stubTime, 900)
		s, c := serveStub(t, func(r *replica) { r.cfg.HTTP.IdleTimeout = 10 * time.Second }, memnet.Serve)
		s.put(firstKey, b)
		etag := s.objects[firstKey].etag
		s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if n > 1 {
				return false
			}
			w.Header().Set("Content-Length", "1000")
			w.Header().Set("ETag", etag)
			for _, c := range b[:10] {
				_, _ = w.Write([]byte{c})
				w.(http.Flusher).Flush()
				time.Sleep(9 * time.Second)
			}
			<-r.Context().Done()
			return true
		})
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		begun := time.Now()
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(b, got))
		assert.Equal(t, 9*9*time.Second+10*time.Second, time.Since(begun).Round(time.Second))
		require.NoError(t, r.Close())
		assert.Equal(t, 2, s.seen("GET"))
	})
}

func parallelReplica(r *replica) {
	r.cfg.Transfer.ReadConcurrency, r.cfg.Transfer.ReadMemory = 3, 3000
}

// ranges returns in how many requests parallelReplica reads so many bytes.
func ranges(size int) (n int) {
	if size <= 2000 {
		return 1
	}
	left, n := size-1000, 1
	for next := 500; left > 0; next = min(next+125, 2000) {
		left -= next
		n++
	}
	return n
}

func TestParallelRead(t *testing.T) {
	b := stubLTX(t, 1, stubTime, 20_000)
	for _, size := range []int{1, 1999, 2000, 2001, 3000, 3001, 5500, 20_000} {
		for _, offset := range []int64{0, 100} {
			for _, broken := range []bool{false, true} {
				s, c := newStub(t, parallelReplica)
				s.put(firstKey, b[:size+int(offset)])
				if broken {
					breakBodies(s, 700)
				}
				r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, 0)
				require.NoError(t, err)
				require.NoError(t, iotest.TestReader(r, b[offset:int(offset)+size]), "size %d", size)
				require.NoError(t, r.Close())
				require.NoError(t, r.Close())
				_, err = r.Read(make([]byte, 1))
				require.ErrorIs(t, err, fs.ErrClosed)
				if !broken {
					assert.Equal(t, ranges(size), s.seen("GET"), "size %d", size)
				}
				for _, get := range s.of("GET")[1:] {
					assert.Equal(t, s.objects[firstKey].etag, get.Header.Get("If-Match"))
				}
			}
		}
	}
	t.Run("range", func(t *testing.T) {
		s, c := newStub(t, parallelReplica)
		s.put(firstKey, b)
		for _, size := range []int64{2000, 2001, 9000} {
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 77, size)
			require.NoError(t, err)
			require.NoError(t, iotest.TestReader(r, b[77:77+size]))
			require.NoError(t, r.Close())
		}
		assert.Equal(t, ranges(2000)+ranges(2001)+ranges(9000), s.seen("GET"))
	})
	t.Run("no ETag", func(t *testing.T) {
		s, c := newStub(t, parallelReplica)
		s.put(firstKey, b)
		s.change(firstKey, func(o *stubObject) { o.etag = "" })
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		require.NoError(t, iotest.TestReader(r, b))
		require.NoError(t, r.Close())
		assert.Equal(t, 1, s.seen("GET"), "the parts might be of several versions")
	})
	t.Run("ranges ignored", func(t *testing.T) {
		s, c := newStub(t, parallelReplica)
		s.put(firstKey, b)
		s.tell(func(_ int, _ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Range"); return false })
		requests := func() int {
			before := s.seen("GET")
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.NoError(t, err)
			require.NoError(t, iotest.TestReader(r, b))
			require.NoError(t, r.Close())
			return s.seen("GET") - before
		}
		first := requests()
		assert.Greater(t, first, 1)
		assert.LessOrEqual(t, first, 1+3+1)
		assert.Equal(t, 1, requests(), "it has been noticed")
	})
	t.Run("empty and missing", func(t *testing.T) {
		s, c := newStub(t, parallelReplica)
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrNotExist)
		s.put(firstKey, nil)
		_, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrNotExist)
		s.put(firstKey, b)
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, int64(len(b)), 0)
		require.NoError(t, err)
		require.NoError(t, iotest.TestReader(r, nil))
		require.NoError(t, r.Close())
	})
	t.Run("a part fails", func(t *testing.T) {
		s, c := newStub(t, parallelReplica)
		s.put(firstKey, b)
		s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=8500-") {
				stubFail(w, 403, "AccessDenied")
				return true
			}
			return false
		})
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.ErrorIs(t, err, fs.ErrPermission)
		assert.True(t, bytes.Equal(b[:8500], got))
		_, again := r.Read(make([]byte, 1))
		require.ErrorIs(t, again, fs.ErrPermission)
		require.NoError(t, r.Close())
	})
	t.Run("replaced", func(t *testing.T) {
		s, c := newStub(t, parallelReplica)
		s.put(firstKey, b)
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		s.put(firstKey, b[:19_000])
		got, err := io.ReadAll(r)
		require.ErrorContains(t, err, "the file was replaced while being read")
		assert.True(t, bytes.HasPrefix(b, got))
		require.NoError(t, r.Close())
	})
}

// No more than ReadConcurrency requests, and half as many that wait for their answer, are
// under way beside the first one, and Close ends them.
func TestParallelReadBounds(t *testing.T) {
	b := stubLTX(t, 1, stubTime, 20_000)
	s, c := newStub(t, parallelReplica)
	s.put(firstKey, b)
	etag := s.objects[firstKey].etag
	began := make(chan string, 100)
	s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
		began <- r.Header.Get("Range")
		if n > 1 {
			<-r.Context().Done()
			return true
		}
		w.Header().Set("ETag", etag)
		w.Header().Set("Content-Length", "20100")
		w.Write(b[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	})
	for _, byContext := range []bool{false, true} {
		s.counts["GET"] = 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
		require.NoError(t, err)
		_, err = io.ReadFull(r, make([]byte, 500))
		require.NoError(t, err)
		_, err = io.ReadFull(r, make([]byte, 499))
		require.NoError(t, err)
		ranges := map[string]bool{<-began: true, <-began: true, <-began: true, <-began: true, <-began: true}
		assert.Equal(t, map[string]bool{"": true, "bytes=1000-1499": true, "bytes=1500-2124": true, "bytes=2125-2874": true, "bytes=2875-3749": true}, ranges)
		var done sync.WaitGroup
		done.Go(func() { _, err = io.ReadAll(r) })
		if byContext {
			cancel()
			done.Wait()
			require.ErrorIs(t, err, context.Canceled)
			require.NoError(t, r.Close())
		} else {
			require.NoError(t, r.Close())
			done.Wait()
			require.ErrorIs(t, err, fs.ErrClosed)
		}
		assert.Empty(t, began)
	}
}

// lateClient ends a request a while after its context.
type lateClient struct {
	s3.HTTPClient
	underway atomic.Int32
}

func (c *lateClient) Do(r *http.Request) (*http.Response, error) {
	if r.Header.Get("If-Match") == "" {
		return c.HTTPClient.Do(r)
	}
	c.underway.Add(1)
	defer c.underway.Add(-1)
	<-r.Context().Done()
	time.Sleep(10 * time.Millisecond)
	return nil, r.Context().Err()
}

// Close waits for the requests under way (clause C3).
func TestParallelReadCloseWaits(t *testing.T) {
	var late *lateClient
	s, c := newStub(t, func(r *replica) {
		parallelReplica(r)
		options := r.api.Options()
		late = &lateClient{HTTPClient: options.HTTPClient}
		options.HTTPClient = late
		r.api = s3.New(options)
	})
	s.put(firstKey, stubLTX(t, 1, stubTime, 20_000))
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	assert.Zero(t, late.underway.Load(), "nothing is read ahead for nobody")
	_, err = io.ReadFull(r, make([]byte, 2000))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return late.underway.Load() == 3+1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, r.Close())
	assert.Zero(t, late.underway.Load())
}
