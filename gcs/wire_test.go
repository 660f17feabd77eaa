package gcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// changed returns a client of b whose requests pass through change.
func (b *bench) changed(t *testing.T, change func(req *http.Request, next http.RoundTripper) (*http.Response, error)) *bench {
	t.Helper()
	other := *b
	other.ReplicaClient = b.client(t, func(cfg *Config) {
		cfg.HTTP.RoundTripper = roundTrip(func(req *http.Request) (*http.Response, error) {
			return change(req.Clone(req.Context()), http.DefaultTransport)
		})
	})
	return &other
}

// The answer to a body that was sent whole is waited for a while after the
// caller has given up: it may say that the file is there.
func TestWriteAnswerAfterTheEnd(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		want  error
	}{{time.Second / 2, nil}, {2 * time.Second, context.Canceled}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			server := &golden.Transport{Handler: gcsfake.New(gcsfake.Options{}, "bucket")}
			c := NewReplicaClient(Config{Bucket: "bucket", Anonymous: true, Logger: slog.New(slog.DiscardHandler),
				HTTP: transport.Options{RoundTripper: roundTrip(func(req *http.Request) (*http.Response, error) {
					resp, err := server.RoundTrip(req) // it is stored
					cancel()
					select {
					case <-time.After(tt.after):
						return resp, err
					case <-req.Context().Done():
						return nil, req.Context().Err()
					}
				})}})
			_, err := c.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("x"))
			require.ErrorIs(t, err, tt.want)
		})
	}
}

// A condition that is lost on the way does not splice two files, and bytes
// from another offset are not passed on.
func TestOpenOfAServiceThatIsWrong(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.server.Put("bucket", testKey, ltxBody(t, 10_000))
	b.fail("ReadObject", 1, httpfault.Truncate(3000))
	r, err := b.changed(t, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		q := req.URL.Query()
		q.Del("ifGenerationMatch")
		req.URL.RawQuery = q.Encode()
		return next.RoundTrip(req)
	}).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	_, err = io.ReadFull(r, make([]byte, 3000))
	require.NoError(t, err)
	b.server.Put("bucket", testKey, plainBody(10_000))
	_, err = io.ReadAll(r)
	require.ErrorContains(t, err, "the file was replaced while being read")
	assert.False(t, ltxstore.IsRetryable(err))

	_, err = b.changed(t, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		req.Header.Set("Range", "bytes=0-99")
		return next.RoundTrip(req)
	}).read(t, 100, 100)
	require.ErrorContains(t, err, "want it to start at 100")
}

// An answer that does not tell its length, a proxy's, costs one request more, unless it tells
// that of the object.
func TestOpenOfUnknownLength(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	body := ltxBody(t, 10_000)
	b.server.Put("bucket", testKey, body)
	got, err := b.changed(t, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && req.URL.Query().Get("alt") == "media" {
			resp.ContentLength = -1
			resp.Header.Del("Content-Length")
			resp.Header.Del("X-Goog-Stored-Content-Length")
		}
		return resp, err
	}).read(t, 0, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body, got))
	b.counts(t, map[string]int{"ReadObject": 1, "GetObject": 1})

	b.fail("ReadObject", 2, httpfault.Chunked())
	got, err = b.read(t, 0, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body, got))
	got, err = b.read(t, 100, 200)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body[100:300], got))
	b.counts(t, map[string]int{"ReadObject": 3, "GetObject": 1})

	_, err = b.changed(t, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && req.URL.Query().Get("alt") == "media" {
			resp.ContentLength = -1
			resp.Header.Del("Content-Length")
			resp.Header.Del("X-Goog-Stored-Content-Length")
			b.server.Put("bucket", testKey, plainBody(5000)) // whose length is not this body's
		}
		return resp, err
	}).read(t, 0, 0)
	require.ErrorContains(t, err, "the file was replaced while being read")
}

// A transfer may break as often as it likes, as long as it makes progress:
// the tries that are counted are those without.
func TestOpenResumesAsLongAsThereIsProgress(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	body := ltxBody(t, 20_500)
	b.server.Put("bucket", testKey, body)
	b.fail("ReadObject", 20, httpfault.Truncate(1000))
	got, err := b.read(t, 0, 0)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(body, got))
	b.counts(t, map[string]int{"ReadObject": 21})
}

// So many deletions are under way at once, and not one more.
func TestDeleteConcurrency(t *testing.T) {
	const most = 5
	b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.Transfer.DeleteConcurrency = most })
	var mu sync.Mutex
	underWay, arrived := 0, 0
	full := make(chan struct{})
	b.fail("DeleteObject", -1, func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		underWay++
		if arrived++; arrived == most {
			close(full)
		}
		assert.LessOrEqual(t, underWay, most)
		mu.Unlock()
		select {
		case <-full:
		case <-time.After(20 * time.Second):
			t.Error("deletions wait for each other")
		}
		mu.Lock()
		underWay--
		mu.Unlock()
		x.Next.ServeHTTP(w, r)
	})
	require.NoError(t, b.DeleteLTXFiles(t.Context(), infos(4*most)))
}

// A file that is deleted between its listing and the reading of its header is
// not there; any other failure is one.
func TestListDeletedMeanwhile(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	for i := 1; i <= 3; i++ {
		b.server.Put("bucket", keyOf(i), ltxBody(t, 300))
	}
	second := func(r *http.Request) bool { return strings.Contains(r.URL.Path, keyOf(2)) }
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "ReadObject", Func: second}, Do: httpfault.Status(404, nil, "No such object: bucket/"+keyOf(2))})
	files, err := b.list(t, 0, true)
	require.NoError(t, err)
	require.Len(t, files, 2)
	assert.EqualValues(t, 3, files[1].MinTXID)
	assert.Zero(t, b.faults.Unused())

	b.fail("ReadObject", -1, httpfault.Status(404, nil, "The specified bucket does not exist."))
	_, err = b.list(t, 0, true)
	require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
}

// A replica at the bucket's root is listed, read and deleted like any other,
// and its neighbours stay.
func TestRootReplica(t *testing.T) {
	for _, layout := range []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream, ltxstore.LayoutLitestreamS3} {
		for _, path := range []string{"", "/"} {
			b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.Path, cfg.Layout = path, layout })
			neighbours := []string{"README", "db/" + keyOf(1), "ltx.txt", "snapshots2/x", "ltx/0000/README", "other/ltx/0/0000000000000001-0000000000000001.ltx"}
			for _, key := range neighbours {
				b.server.Put("bucket", key, []byte("x"))
			}
			_, err := b.write(t, strings.NewReader("x"))
			require.NoError(t, err)
			files, err := b.list(t, 0, false)
			require.NoError(t, err)
			assert.Len(t, files, 1, "%v at %q", layout, path)
			got, err := b.read(t, 0, 0)
			require.NoError(t, err)
			assert.Equal(t, "x", string(got))
			require.NoError(t, b.DeleteAll(t.Context()))
			assert.ElementsMatch(t, neighbours, b.server.Keys("bucket"), "%v at %q", layout, path)
		}
	}
}

// What a failed write could not clean up does not hide why it failed; a
// write's own arguments are looked at first.
func TestWriteRefused(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	_, err := b.WriteLTXFile(t.Context(), 0, 1, 1, nil)
	require.ErrorContains(t, err, "want a body")
	assert.Zero(t, b.faults.Requests())
	b.fail("CancelResumableWrite", -1, httpfault.Status(403, nil, ""))
	failure := errors.New("disk")
	_, err = b.write(t, io.MultiReader(bytes.NewReader(ltxBody(t, 3*testChunk)), failing{failure}))
	require.ErrorIs(t, err, failure)
	assert.Empty(t, b.server.Keys("bucket"))
}
