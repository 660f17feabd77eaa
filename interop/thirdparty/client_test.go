package thirdparty

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// What cannot be right is refused at Init, by the field's name.
func TestConfig(t *testing.T) {
	for field, cfg := range map[string]Config{
		"Endpoint":    {Endpoint: "kv.example", Bucket: "bucket"},
		"Bucket":      {Endpoint: "https://kv.example", Bucket: "a/b"},
		"Path":        {Endpoint: "https://kv.example", Bucket: "bucket", Path: "../db"},
		"MaxAttempts": {Endpoint: "https://kv.example", Bucket: "bucket", Retry: ltxstore.Retry{MaxAttempts: -1}},
	} {
		err := New(cfg).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid, field)
		assert.ErrorContains(t, err, field)
	}
}

// A URL of the backend's own scheme opens it, with the library's errors for settings.
func TestOpen(t *testing.T) {
	s, err := newServer()
	require.NoError(t, err)
	defer s.Close()
	where := "kv://bucket/" + path + "?write-once=true&retry-max-attempts=1&token=" + secret + "&endpoint=" + url.QueryEscape(s.URL)
	client, err := ltxstore.Open(t.Context(), where)
	require.NoError(t, err)
	assert.Equal(t, typeName, client.Type())
	for _, body := range []string{"first", "other"} {
		_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader(body))
		assert.Equal(t, body == "other", errors.Is(err, fs.ErrExist))
	}
	_, err = ltxstore.Open(t.Context(), where+"&tokem=x")
	require.ErrorContains(t, err, `did you mean token?`)
	assert.NotContains(t, err.Error(), secret)
}

// The error table.
func TestKinds(t *testing.T) {
	var status int
	header := http.Header{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		w.WriteHeader(status)
	}))
	defer s.Close()
	client := New(Config{Endpoint: s.URL, Bucket: "bucket", Retry: ltxstore.Retry{MaxAttempts: 1}})
	client.SetLogger(nil)
	for _, test := range []struct {
		status int
		code   string // empty is a proxy's answer
		want   error
	}{
		{http.StatusNotFound, "no-key", fs.ErrNotExist},
		{http.StatusNotFound, "no-bucket", ltxstore.ErrStoreNotFound},
		{http.StatusForbidden, "denied", fs.ErrPermission},
		{http.StatusTooManyRequests, "busy", ltxstore.ErrThrottled},
		{http.StatusServiceUnavailable, "down", ltxstore.ErrUnavailable},
		{http.StatusNotFound, "", ltxstore.ErrUnavailable},
		{http.StatusOK, "", ltxstore.ErrUnavailable},
	} {
		status, header = test.status, http.Header{}
		if test.code != "" {
			header = http.Header{"Kv-Service": {"1"}, "Kv-Error": {test.code}}
		}
		_, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		assert.ErrorIs(t, err, test.want, "%d %q", test.status, test.code)
	}

	header = http.Header{"Kv-Service": {"1"}, "Kv-Error": {"busy"}, "Retry-After": {"7"}, "Content-Range": {"bytes */12"}}
	failure := (&bucket{}).Classify(failed(&http.Response{StatusCode: http.StatusTooManyRequests, Header: header}))
	assert.Equal(t, 7*time.Second, failure.RetryAfter)
	assert.EqualValues(t, 12, failure.Size)
}
