package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
)

func stubFill(s *stub, n int) (ids []int) {
	for id := 1; id <= n; id++ {
		s.put(stubKey(level0, id), []byte("x"))
		ids = append(ids, id)
	}
	return ids
}

func TestDeleteBatches(t *testing.T) {
	s, c := newStub(t, nil)
	ids := stubFill(s, 2500)
	s.put(stubKey(level0, 2501), []byte("stays"))
	var largest atomic.Int64
	s.tell(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		d := parseDelete(stubBody(r))
		largest.Store(max(largest.Load(), int64(len(d.Object))))
		assert.False(t, d.Quiet, "what is deleted is told")
		return false
	})
	require.NoError(t, c.DeleteLTXFiles(t.Context(), nil))
	require.NoError(t, c.DeleteLTXFiles(t.Context(), stubInfos(ids...)))
	assert.Equal(t, 3, s.seen("BATCH"))
	assert.Len(t, s.requests, 3)
	assert.EqualValues(t, 1000, largest.Load())
	assert.Equal(t, []string{stubKey(level0, 2501)}, s.keys())
	require.NoError(t, c.DeleteLTXFiles(t.Context(), stubInfos(ids...)), "D1: missing is deleted")

	before := len(s.requests)
	for _, bad := range [][]*ltx.FileInfo{{nil}, {{Level: -1}}, {{MinTXID: 2, MaxTXID: 1}}} {
		require.ErrorIs(t, c.DeleteLTXFiles(t.Context(), append(stubInfos(2501), bad...)), fs.ErrInvalid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.DeleteLTXFiles(ctx, stubInfos(2501)), context.Canceled)
	assert.Len(t, s.requests, before)
}

// By what a list of keys is verified depends on provider and configuration.
func TestDeleteDigests(t *testing.T) {
	for _, tc := range []struct {
		mode             MD5Mode
		provider         provider
		checksum         string
		wantMD5, wantCRC bool
	}{
		{MD5Auto, provider{}, "crc32", true, true},
		{MD5Auto, provider{noDeleteMD5: true}, "crc32", false, true},
		{MD5Always, provider{noDeleteMD5: true}, "crc32", true, true},
		{MD5Never, provider{}, "crc32", false, true},
		{MD5Auto, provider{noChecksum: true}, "none", true, false},
		{MD5Auto, provider{}, "none", true, false},
		{MD5Never, provider{noChecksum: true}, "none", false, true}, // S3 refuses a list with neither
		{MD5Auto, provider{noDeleteMD5: true}, "none", false, true},
		{MD5Auto, provider{noChecksum: true, noDeleteMD5: true}, "none", false, false},
	} {
		s, c := newStub(t, func(r *replica) {
			r.cfg.ContentMD5, r.cfg.ChecksumAlgorithm, r.provider = tc.mode, tc.checksum, tc.provider
		})
		stubFill(s, 1)
		var body []byte
		s.tell(func(_ int, _ http.ResponseWriter, r *http.Request) bool { body = stubBody(r); return false })
		require.NoError(t, c.DeleteLTXFiles(t.Context(), stubInfos(1)))
		assert.Empty(t, s.keys())
		h := s.of("BATCH")[0].Header
		sum := md5.Sum(body)
		want := ""
		if tc.wantMD5 {
			want = base64.StdEncoding.EncodeToString(sum[:])
		}
		assert.Equal(t, want, h.Get("Content-Md5"), "%+v", tc)
		assert.Equal(t, tc.wantCRC, h.Get("X-Amz-Checksum-Crc32") != "", "%+v", tc)
		payload := sha256.Sum256(body)
		assert.Equal(t, hex.EncodeToString(payload[:]), h.Get("X-Amz-Content-Sha256"), "%+v", tc)
	}
}

// stubErrors answers a batch: with an error for each key that has one.
func stubErrors(w io.Writer, body []byte, codes map[string]string) {
	var b strings.Builder
	for _, o := range parseDelete(body).Object {
		if code := codes[o.Key]; code != "" {
			fmt.Fprintf(&b, "<Error><Key>%s</Key><Code>%s</Code><Message>no</Message></Error>", o.Key, code)
		} else {
			fmt.Fprintf(&b, "<Deleted><Key>%s</Key></Deleted>", o.Key)
		}
	}
	fmt.Fprintf(w, "<DeleteResult>%s</DeleteResult>", b.String())
}

func TestDeletePerKeyErrors(t *testing.T) {
	s, c := newStub(t, nil)
	denied, missing, shaky, down := stubKey(level0, 1), stubKey(level0, 2), stubKey(level0, 3), stubKey(level0, 4)
	var sizes []int
	s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
		body := stubBody(r)
		sizes = append(sizes, len(parseDelete(body).Object))
		codes := map[string]string{denied: "AccessDenied", missing: "NoSuchKey", down: "SlowDown"}
		if n == 1 {
			codes[shaky] = "InternalError"
		}
		stubErrors(w, body, codes)
		return true
	})
	err := c.DeleteLTXFiles(t.Context(), stubInfos(1, 2, 3, 4, 5))
	var partial *ltxstore.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Equal(t, 5, partial.Total)
	require.Len(t, partial.Failed, 2)
	for i, want := range []struct {
		key  string
		kind error
	}{{denied, fs.ErrPermission}, {down, ltxstore.ErrThrottled}} {
		var e *ltxstore.Error
		require.ErrorAs(t, partial.Failed[i], &e)
		assert.Equal(t, want.key, e.Key)
		assert.Equal(t, "delete", e.Op)
		require.ErrorIs(t, e, want.kind)
	}
	assert.Equal(t, []int{5, 2, 1, 1}, sizes, "only what may still succeed is sent again")

	s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
		io.WriteString(w, "<DeleteResult><Error><Code>InternalError</Code></Error></DeleteResult>")
		return true
	})
	require.Error(t, c.DeleteLTXFiles(t.Context(), stubInfos(1)), "an error without a key is not dropped")

	s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
		stubFail(w, 200, "InternalError")
		return true
	})
	require.Error(t, c.DeleteLTXFiles(t.Context(), stubInfos(1)), "an error with status 200 is one")
}

// A failed request is the failure of each of its files, and of no other.
func TestDeleteRequestFails(t *testing.T) {
	s, c := newStub(t, nil)
	ids := stubFill(s, 2500)
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if !bytes.Contains(stubBody(r), []byte(stubKey(level0, 1500))) {
			return false
		}
		stubFail(w, 403, "AccessDenied")
		return true
	})
	err := c.DeleteLTXFiles(t.Context(), stubInfos(ids...))
	var partial *ltxstore.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Len(t, partial.Failed, 1000)
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Len(t, s.keys(), 1000)
	assert.Equal(t, 3, s.seen("BATCH"))
}

func TestDeleteSingly(t *testing.T) {
	refuse := func(status int, code string) stubHook {
		return func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if kindOfRequest(r) != "BATCH" {
				return false
			}
			stubFail(w, status, code)
			return true
		}
	}
	for name, hook := range map[string]stubHook{
		"501": refuse(501, "NotImplemented"), "405": refuse(405, "MethodNotAllowed"), "400": refuse(400, "NotImplemented"), "known": nil,
	} {
		s, c := newStub(t, func(r *replica) { r.provider.noBatchDelete = hook == nil })
		ids := stubFill(s, 20)
		s.tell(hook)
		require.NoError(t, c.DeleteLTXFiles(t.Context(), stubInfos(ids[:10]...)), name)
		require.NoError(t, c.DeleteLTXFiles(t.Context(), stubInfos(ids...)), name)
		assert.Empty(t, s.keys())
		assert.Equal(t, 30, s.seen("DELETE"))
		want := 1
		if hook == nil {
			want = 0
		}
		assert.Equal(t, want, s.seen("BATCH"), "%s: it is remembered", name)
	}

	s, c := newStub(t, func(r *replica) { r.provider.noBatchDelete = true })
	stubFill(s, 4)
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, stubKey("", 1)):
			stubFail(w, 403, "AccessDenied")
		case strings.HasSuffix(r.URL.Path, stubKey("", 2)):
			stubFail(w, 404, "NoSuchKey")
		default:
			return false
		}
		return true
	})
	err := c.DeleteLTXFiles(t.Context(), stubInfos(1, 2, 3, 4))
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "s3: delete "+stubKey(level0, 1))
	assert.Equal(t, []string{stubKey(level0, 1), stubKey(level0, 2)}, s.keys())

	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		stubFail(w, 404, "NoSuchBucket")
		return true
	})
	require.ErrorIs(t, c.DeleteLTXFiles(t.Context(), stubInfos(1)), ltxstore.ErrStoreNotFound)
}

// As many deletions as DeleteConcurrency are under way at once, and no more.
func TestDeleteConcurrency(t *testing.T) {
	const at = 3
	for single, requests := range map[bool]int{true: 20 * at, false: 3 * at} {
		s, c := newStub(t, func(r *replica) { r.cfg.Transfer.DeleteConcurrency, r.provider.noBatchDelete = at, single })
		ids := stubFill(s, requests*map[bool]int{true: 1, false: 1000}[single])
		together := make([]chan struct{}, requests/at) // each request waits for two others
		for i := range together {
			together[i] = make(chan struct{})
		}
		var flying, most, begun atomic.Int64
		s.tell(func(int, http.ResponseWriter, *http.Request) bool {
			now := flying.Add(1)
			for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
			}
			n := begun.Add(1)
			if n%at == 0 {
				close(together[n/at-1])
			}
			select {
			case <-together[(n-1)/at]:
			case <-time.After(10 * time.Second): // fewer are under way: most tells it
			}
			flying.Add(-1) // before the client can know
			return false
		})
		require.NoError(t, c.DeleteLTXFiles(t.Context(), stubInfos(ids...)))
		assert.EqualValues(t, at, most.Load())
		assert.EqualValues(t, requests, begun.Load())
		assert.Empty(t, s.keys())
	}
}

func TestDeleteAll(t *testing.T) {
	for _, layout := range []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream, ltxstore.LayoutLitestreamS3} {
		for _, path := range []string{"db", ""} {
			t.Run(fmt.Sprintf("%v %q", layout, path), func(t *testing.T) {
				s, c := newStub(t, func(r *replica) { r.cfg.Layout, r.cfg.Path = layout, path })
				s.pageSize = 7
				keys, err := backend.KeysAt(layout, path)
				require.NoError(t, err)
				prefix := keys.Prefix()
				for _, level := range []int{0, 1, 9, 10, 9999} {
					for id := range ltx.TXID(25) {
						s.put(keys.File(level, id, id), []byte("x"))
					}
				}
				s.put(keys.File(0, 100, 100), nil)
				strangers := []string{
					prefix + "lock.json", keys.LevelPrefix(0) + "readme", keys.LevelPrefix(0) + "deep/" + ltx.FormatFilename(1, 1),
					prefix + "ltx/00000/" + ltx.FormatFilename(1, 1), prefix + "0/" + ltx.FormatFilename(1, 1),
					"db2/ltx/0000/" + ltx.FormatFilename(1, 1), "db2/0000/" + ltx.FormatFilename(1, 1), "db-1/ltx/0000/" + ltx.FormatFilename(1, 1),
				}
				for i := range 100 { // a neighbour
					strangers = append(strangers, fmt.Sprintf("zz/%d/x", i))
				}
				for _, key := range strangers {
					s.put(key, []byte("stranger"))
				}
				before := len(s.keys())
				require.NoError(t, c.DeleteAll(t.Context()))
				assert.ElementsMatch(t, strangers, s.keys())
				assert.Equal(t, len(strangers)+126, before)
				assert.Less(t, s.seen("LIST"), 45, "of the neighbour one prefix, not the files")
				assert.Equal(t, 1, s.seen("BATCH"))
				for _, list := range s.of("LIST") {
					assert.Equal(t, "/", list.URL.Query().Get("delimiter"))
				}
				require.NoError(t, c.DeleteAll(t.Context()), "twice")
			})
		}
	}
}

// The keys in memory are bounded, however many there are.
func TestDeleteAllStreams(t *testing.T) {
	s, c := newStub(t, func(r *replica) { r.cfg.Transfer.DeleteConcurrency = 2 })
	stubFill(s, 7500)
	s.pageSize = 500
	var listed, deleted, most atomic.Int64
	s.tell(func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		switch kindOfRequest(r) {
		case "LIST":
			if r.URL.Query().Get("prefix") == level0 {
				most.Store(max(most.Load(), listed.Add(500)-deleted.Load()))
			}
		case "BATCH":
			deleted.Add(int64(len(parseDelete(stubBody(r)).Object)))
		}
		return false
	})
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, s.keys())
	assert.EqualValues(t, 7500, deleted.Load())
	// Two batches under way, one that is filled, and the page that is asked for.
	assert.LessOrEqual(t, most.Load(), int64(3500))
	assert.Equal(t, 8, s.seen("BATCH"))
}

func TestDeleteAllFailures(t *testing.T) {
	s, c := newStub(t, func(r *replica) { r.cfg.Transfer.DeleteConcurrency = 2 })
	stubFill(s, 10)
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if kindOfRequest(r) != "BATCH" {
			return false
		}
		stubErrors(w, stubBody(r), map[string]string{stubKey(level0, 3): "AccessDenied"})
		return true
	})
	err := c.DeleteAll(t.Context())
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "s3: delete all "+stubKey(level0, 3))

	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		stubFail(w, 404, "NoSuchBucket")
		return true
	})
	require.ErrorIs(t, c.DeleteAll(t.Context()), ltxstore.ErrStoreNotFound)

	// A hopeless store is given up.
	stubFill(s, 5000)
	before := s.seen("BATCH")
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if kindOfRequest(r) != "BATCH" {
			return false
		}
		stubFail(w, 403, "AccessDenied")
		return true
	})
	require.ErrorIs(t, c.DeleteAll(t.Context()), fs.ErrPermission)
	assert.LessOrEqual(t, s.seen("BATCH"), before+3, "two at once, and the one that waited for them")

	ctx, cancel := context.WithCancel(t.Context())
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool { cancel(); <-r.Context().Done(); return true })
	require.ErrorIs(t, c.DeleteAll(ctx), context.Canceled)
}

func TestDeleteAllAbortsUploads(t *testing.T) {
	t.Run("by prefix", func(t *testing.T) { testAbortsUploads(t, false) })
	t.Run("by name only", func(t *testing.T) { testAbortsUploads(t, true) })
}

func testAbortsUploads(t *testing.T, byName bool) {
	s, c := newStub(t, func(r *replica) { r.provider.uploadsByName = byName })
	s.pageSize = 3
	for id := 1; id <= 10; id++ {
		s.uploads[fmt.Sprintf("own%02d", id)] = stubKey(level0, 1+id/4) // several of one key
	}
	s.uploads["snapshot"] = stubKey("db/snapshots/", 1)
	s.uploads["sibling"] = stubKey("db2/ltx/0000/", 1)
	s.uploads["stranger"] = level0 + "backup.tar"
	s.uploads["gone"] = stubKey(level0, 99)
	s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if kindOfRequest(r) == "LISTUPLOADS" {
			assert.Equal(t, byName, !r.URL.Query().Has("prefix"))
		}
		if r.URL.Query().Get("uploadId") != "gone" {
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.uploads, "gone")
		stubFail(w, 404, "NoSuchUpload")
		return true
	})
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Equal(t, map[string]string{"sibling": stubKey("db2/ltx/0000/", 1), "stranger": level0 + "backup.tar"}, s.uploads)
	assert.Equal(t, 12, s.seen("ABORT"))

	for name, tc := range map[string]struct {
		status int
		code   string
		want   error
	}{
		"not implemented": {501, "NotImplemented", nil},
		"not allowed":     {405, "MethodNotAllowed", nil},
		"denied":          {403, "AccessDenied", fs.ErrPermission},
	} {
		stubFill(s, 3)
		s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if kindOfRequest(r) != "LISTUPLOADS" {
				return false
			}
			stubFail(w, tc.status, tc.code)
			return true
		})
		require.ErrorIs(t, c.DeleteAll(t.Context()), tc.want, name)
		assert.Empty(t, s.keys(), "the files are deleted in any case")
	}
}

// MD5Bodies sends a Content-MD5 with bodies, and with no deletion.
func TestMD5OfBodiesAlone(t *testing.T) {
	s, c := newStub(t, func(r *replica) { r.cfg.ContentMD5 = MD5Bodies })
	stubFill(s, 3)
	require.NoError(t, c.DeleteAll(t.Context()))
	require.NotEmpty(t, s.of("BATCH"))
	for _, request := range s.of("BATCH") {
		assert.Empty(t, request.Header.Get("Content-Md5"))
	}
	for mode, want := range map[MD5Mode]bool{MD5Bodies: true, MD5Always: true, MD5Auto: false, MD5Never: false} {
		sum, err := (&bucket{cfg: Config{ContentMD5: mode}}).contentMD5(object.NewBody([]byte("body")))
		require.NoError(t, err)
		assert.Equal(t, want, sum != nil, mode)
	}
}
