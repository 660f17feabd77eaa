package gcsfake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

const name = "bucket"

// service is a server, the layer of faults around it, and a client of it.
type service struct {
	*gcsfake.Server
	layer  *httpfault.Layer
	url    string
	client *storage.Client
	*storage.BucketHandle
}

func serve(t *testing.T, opt gcsfake.Options, options ...option.ClientOption) *service {
	t.Helper()
	s := &service{Server: gcsfake.New(opt, name)}
	s.layer = httpfault.New(s.Server)
	s.layer.Name(gcsfake.Operation)
	server := httptest.NewServer(s.layer)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.client = s.dial(t, options...)
	s.BucketHandle = s.client.Bucket(name)
	return s
}

func (s *service) dial(t *testing.T, options ...option.ClientOption) *storage.Client {
	t.Helper()
	options = append([]option.ClientOption{option.WithEndpoint(s.url + "/storage/v1/"), option.WithHTTPClient(&http.Client{Transport: new(http.Transport)})}, options...)
	client, err := storage.NewClient(t.Context(), options...)
	require.NoError(t, err)
	client.SetRetry(storage.WithPolicy(storage.RetryNever)) // a test sees the first answer
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// write writes an object and returns the client's error. Without chunks it is
// one request.
func write(t *testing.T, o *storage.ObjectHandle, body string, set ...func(*storage.Writer)) error {
	t.Helper()
	w := o.NewWriter(t.Context())
	w.ChunkSize = 0
	for _, f := range set {
		f(w)
	}
	if _, err := io.Copy(w, strings.NewReader(body)); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

func chunked(w *storage.Writer) { w.ChunkSize = 256 << 10 }

func read(ctx context.Context, o *storage.ObjectHandle, offset, length int64) (string, *storage.Reader, error) {
	r, err := o.NewRangeReader(ctx, offset, length)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = r.Close() }()
	body, err := io.ReadAll(r)
	return string(body), r, err
}

// requireError requires the API's error with that code.
func requireError(t *testing.T, err error, code int) *googleapi.Error {
	t.Helper()
	var e *googleapi.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, "%v", err)
	return e
}

// both runs a test with reads over the XML API and over the JSON API.
func both(t *testing.T, test func(t *testing.T, options ...option.ClientOption)) {
	t.Run("xml", func(t *testing.T) { test(t) })
	t.Run("json", func(t *testing.T) { test(t, storage.WithJSONReads()) })
}

// answer is what a raw request got.
type answer struct {
	*http.Response
	body string
}

// send sends a request that no client library would. Headers are names and
// values in turn.
func (s *service) send(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.url + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := new(http.Transport).RoundTrip(req) // it follows no redirect and undoes no gzip
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp, string(got)}
}
