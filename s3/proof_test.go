package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

// More than a 206 announces is never delivered, and what it may lack is asked
// for again.
func TestOpenMoreThanAnnounced(t *testing.T) {
	b := stubLTX(t, 1, stubTime, 900)
	for _, announced := range []int{10, 60, 100} {
		for _, span := range [][2]int64{{0, 100}, {50, 100}} {
			s, c := newStub(t, nil)
			s.put(firstKey, b)
			s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				offset, _ := strconv.Atoi(strings.TrimPrefix(strings.Split(r.Header.Get("Range"), "-")[0], "bytes="))
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", offset, offset+announced-1, len(b)))
				w.Header().Set("ETag", `"x"`)
				w.WriteHeader(206)
				_, _ = w.Write(b[:120]) // of another place
				_ = http.NewResponseController(w).Flush()
				return true
			})
			r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, span[0], span[1])
			require.NoError(t, err)
			got, err := io.ReadAll(r)
			require.Error(t, err, "%d of %v", announced, span)
			assert.LessOrEqual(t, len(got), announced)
			require.NoError(t, r.Close())
		}
	}
}

// A resumed read is of the version that it began with, or fails.
func TestResumeWithoutProof(t *testing.T) {
	old, other := stubLTX(t, 1, stubTime, 4900), stubLTX(t, 1, stubTime, 4900)
	copy(other[200:], bytes.Repeat([]byte("new"), 1000))
	for _, etag := range []string{"", `W/"same"`, `"other"`} {
		s, c := newStub(t, nil)
		s.put(firstKey, old)
		s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("If-Match")
			if n == 1 {
				w.Header().Set("ETag", `"same"`)
				w.Header().Set("Content-Length", strconv.Itoa(len(old)))
				_, _ = w.Write(old[:1000])
				return true
			}
			if etag != "" {
				w.Header().Set("ETag", etag)
			}
			http.ServeContent(w, r, "", stubTime, bytes.NewReader(other))
			return true
		})
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.Error(t, err, etag)
		assert.False(t, ltxstore.IsRetryable(err))
		assert.Equal(t, old[:len(got)], got)
		require.NoError(t, r.Close())
	}
}

// A range from the beginning that is refused is no missing file.
func TestOpenRefusedFromTheBeginning(t *testing.T) {
	for contentRange, torn := range map[string]bool{"bytes */300000": false, "bytes */0": true, "": false} {
		s, c := newStub(t, nil)
		s.put(firstKey, make([]byte, 300_000))
		s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "HEAD" {
				return false
			}
			if contentRange != "" {
				w.Header().Set("Content-Range", contentRange)
			}
			stubFail(w, 416, "InvalidRange")
			return true
		})
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 100)
		require.Error(t, err)
		assert.Equal(t, torn, ltxstore.KindOf(err) == fs.ErrNotExist, "%s: %v", contentRange, err)
	}
}

// What a HEAD does not find, a GET looks for: the bucket may be missing, or the
// way to it.
func TestHeadIsConfirmed(t *testing.T) {
	for _, test := range []struct {
		status int
		header http.Header
		body   string
		want   error
		size   int64
	}{
		{404, nil, xmlError("NoSuchKey"), fs.ErrNotExist, 0},
		{404, nil, xmlError("NoSuchBucket"), ltxstore.ErrStoreNotFound, 0},
		{404, nil, "404 page not found", ltxstore.ErrUnavailable, 0},
		{404, nil, "", ltxstore.ErrUnavailable, 0},
		{403, nil, xmlError("AccessDenied"), fs.ErrPermission, 0},
		{206, http.Header{"Content-Range": {"bytes 0-0/77"}, "Etag": {`"x"`}}, "L", nil, 77},
		{206, http.Header{"Content-Range": {"bytes 0-0/*"}, "Etag": {`"x"`}}, "L", ltxstore.ErrUnavailable, 0},
		{206, http.Header{"Content-Range": {"bytes 1-1/77"}, "Etag": {`"x"`}}, "L", ltxstore.ErrUnavailable, 0},
		{200, http.Header{"Etag": {`"x"`}}, "LTX", nil, 3},
		{416, http.Header{"Content-Range": {"bytes */0"}}, xmlError("InvalidRange"), nil, 0},
		{416, nil, xmlError("InvalidRange"), nil, 0},
		{416, http.Header{"Content-Range": {"bytes */9"}}, xmlError("InvalidRange"), ltxstore.ErrChecksum, 0},
		{412, nil, xmlError("PreconditionFailed"), object.ErrPrecondition, 0},
	} {
		r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodHead {
				w.WriteHeader(404)
				return
			}
			assert.Equal(t, `"x"`, req.Header.Get("If-Match"))
			assert.Equal(t, "bytes=0-0", req.Header.Get("Range"))
			for name, values := range test.header {
				w.Header()[name] = values
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		}))
		found, err := r.bucket().Head(context.Background(), "key", `"x"`)
		name := fmt.Sprint(test.status, test.header, test.body)
		switch test.want {
		case nil:
			if test.status == 416 {
				assert.NoError(t, err, name)
			} else {
				require.NoError(t, err, name)
			}
			assert.Equal(t, test.size, found.Size, name)
		case ltxstore.ErrChecksum: // of no kind
			require.Error(t, err, name)
			assert.Contains(t, []error{nil, object.ErrRange}, kindOf(err), name)
		case object.ErrPrecondition:
			assert.Equal(t, object.ErrPrecondition, kindOf(err))
		default:
			assert.Equal(t, test.want, kindOf(err), name)
		}
	}
}
