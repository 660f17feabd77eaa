package abs

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// bucketBench is a server under faults, and its bucket.
type bucketBench struct {
	*bucket
	server *absfake.Server
	faults *httpfault.Layer
}

func newBucketBench(t *testing.T) bucketBench {
	t.Helper()
	var cfg Config
	b := newBench(t, absfake.Options{}, func(c *Config) { cfg = *c })
	cfg, err := cfg.load(func(string) string { return "" })
	require.NoError(t, err)
	bucket, closeIdle, err := newBucket(cfg, new(scrub.Secrets))
	require.NoError(t, err)
	t.Cleanup(closeIdle)
	return bucketBench{bucket, b.server, b.faults}
}

// The range is in the service's own header.
func TestRangeHeader(t *testing.T) {
	for _, test := range []struct {
		offset, size int64
		want         string
	}{{0, 5, "bytes=0-4"}, {math.MaxInt64 - 5, 5, "bytes=9223372036854775802-9223372036854775806"}, {7, 0, "bytes=7-"}} {
		b := newBucketBench(t)
		var asked string
		b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Func: func(r *http.Request) bool {
			asked = r.Header.Get("X-Ms-Range")
			return false
		}}})
		_, err := b.Get(t.Context(), "k", object.GetOptions{Offset: test.offset, Size: test.size})
		assert.Equal(t, fs.ErrNotExist, b.Kind(err))
		assert.Equal(t, test.want, asked)
	}
}

// A listing has as many names a page as it is asked for, by default the service's.
func TestPageSize(t *testing.T) {
	for limit, want := range map[int]string{0: "", 1: "1"} {
		b := newBucketBench(t)
		var asked string
		b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Func: func(r *http.Request) bool {
			asked = r.URL.Query().Get("maxresults")
			return false
		}}})
		_, err := b.List(t.Context(), object.ListOptions{Prefix: "p/", Limit: limit})
		require.NoError(t, err)
		assert.Equal(t, want, asked)
	}
}

// An upload remains while its name has blocks, whatever other names have.
func TestUploadRemains(t *testing.T) {
	b := newBucketBench(t)
	remains := func(want bool) {
		t.Helper()
		got, err := b.UploadRemains(t.Context(), object.Upload{Key: "k", ID: "1"})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	remains(false)
	b.server.Stage("container", "kk", "AAAA", []byte("block"))
	remains(false)
	b.server.Stage("container", "k", "AAAA", []byte("block"))
	remains(true)
	b.faults.Add(&httpfault.Rule{Do: httpfault.Status(403, http.Header{"X-Ms-Version": {"1"}}, "")})
	_, err := b.UploadRemains(t.Context(), object.Upload{Key: "k", ID: "1"})
	assert.Equal(t, fs.ErrPermission, b.Kind(err))
}

// The service allows no hyphens in the names of metadata.
func TestMetadata(t *testing.T) {
	value := "v"
	assert.Equal(t, map[string]*string{"litestreamtimestamp": &value, "mintxid": &value},
		toMetadata(map[string]string{"litestream-timestamp": "v", "min-txid": "v"}))
	assert.Equal(t, map[string]string{"LitestreamTimestamp": "v", "MinTXID": "v", "none": ""},
		fromMetadata(map[string]*string{"LitestreamTimestamp": &value, "MinTXID": &value, "none": nil}))
}

// What an error says of an answer, which may lack anything.
func TestAnswer(t *testing.T) {
	assert.Nil(t, answerOf(io.EOF))
	for _, test := range []struct {
		answer *http.Response
		want   string
	}{
		{&http.Response{Body: io.NopCloser(strings.NewReader("<Error><Message>said\nRequestId:1</Message></Error>"))}, "said"},
		{&http.Response{Body: io.NopCloser(strings.NewReader("<Error><Message>said</Message>"))}, ""},
		{&http.Response{Body: io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))}, ""},
		{&http.Response{Body: http.NoBody, Request: new(http.Request)}, ""},
	} {
		answer := answerOf(fmt.Errorf("op: %w", &azcore.ResponseError{StatusCode: 400, RawResponse: test.answer}))
		require.NotNil(t, answer)
		assert.Equal(t, test.want, answer.Message)
		assert.Same(t, test.answer.Request, answer.Request)
	}
}
