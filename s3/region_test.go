package s3

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// tripper is a RoundTripper of one function.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answers hands each request to a handler, whatever host it is for.
func answers(handler http.HandlerFunc) tripper {
	return func(req *http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		handler(recorder, req)
		resp := recorder.Result()
		resp.Request = req
		return resp, nil
	}
}

func scopeOf(req *http.Request) string {
	_, scope, _ := strings.Cut(req.Header.Get("Authorization"), "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	return scope
}

func TestRegionOfBucketIsAskedOnce(t *testing.T) {
	for _, status := range []int{200, 301, 400, 403} {
		var requests atomic.Int64
		cfg := valid()
		cfg.Region = ""
		cfg.HTTP.RoundTripper = answers(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodGet {
				assert.Contains(t, scopeOf(req), "/eu-west-3/")
				w.WriteHeader(http.StatusForbidden)
				return
			}
			requests.Add(1)
			assert.Equal(t, http.MethodHead, req.Method)
			assert.Equal(t, "bucket.s3.us-east-1.amazonaws.com", req.URL.Host)
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
			w.Header().Set("Location", "https://bucket.s3.eu-west-3.amazonaws.com/")
			w.WriteHeader(status)
		})
		client := NewReplicaClient(cfg)
		for range 3 {
			require.NoError(t, client.Init(t.Context()), status)
		}
		_, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrPermission)
		assert.EqualValues(t, 1, requests.Load(), "no redirect is followed, no second Init asks")
	}
}

// Of many clients of one bucket, a single one asks.
func TestRegionIsAskedOnceForAll(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			assert.Contains(t, scopeOf(req), "/eu-west-3/")
			w.WriteHeader(http.StatusForbidden)
			return
		}
		requests.Add(1)
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
	}))
	defer server.Close()
	begin := func(bucket string) *ReplicaClient {
		cfg := valid()
		cfg.Region, cfg.Endpoint, cfg.Bucket = "", server.URL, bucket
		cfg.HTTP.MaxIdleConns = 77 // a transport that no other test has
		return NewReplicaClient(cfg)
	}
	var clients [50]*ReplicaClient
	var all sync.WaitGroup
	for i := range clients {
		clients[i] = begin("bucket")
		all.Go(func() { assert.NoError(t, clients[i].Init(t.Context())) })
	}
	all.Wait()
	assert.EqualValues(t, 1, requests.Load())
	for _, c := range clients {
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrPermission)
	}
	other := begin("other")
	require.NoError(t, other.Init(t.Context()))
	assert.EqualValues(t, 2, requests.Load(), "another bucket is elsewhere")
	for _, c := range append(clients[:], other) {
		require.NoError(t, c.Close())
	}
	last := begin("bucket")
	require.NoError(t, last.Init(t.Context()))
	assert.EqualValues(t, 3, requests.Load(), "nobody has the answer any more")
	require.NoError(t, last.Close())
}

func TestRegionUnknown(t *testing.T) {
	for status, kind := range map[int]error{403: fs.ErrPermission, 404: ltxstore.ErrStoreNotFound, 503: ltxstore.ErrThrottled} {
		cfg := valid()
		cfg.Region, cfg.Retry.MaxAttempts = "", 1
		cfg.HTTP.RoundTripper = answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := connectTo(t, cfg)
		require.ErrorIs(t, err, kind)
		assert.Equal(t, kind, ltxstore.KindOf(err))
		assert.ErrorContains(t, err, "set Region")
	}

	cfg := valid()
	cfg.Bucket, cfg.Region = "b--usw2-az1--x-s3", ""
	_, err := connectTo(t, cfg)
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "set Region")
}

// A failed Init leaves nothing behind: the next one asks again.
func TestRegionIsAskedAgainAfterAFailure(t *testing.T) {
	var requests atomic.Int64
	cfg := valid()
	cfg.Region, cfg.Retry.MaxAttempts = "", 1
	cfg.HTTP.RoundTripper = answers(func(w http.ResponseWriter, req *http.Request) {
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if req.Method == http.MethodGet {
			assert.Contains(t, scopeOf(req), "/eu-west-3/")
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
	})
	client := NewReplicaClient(cfg)
	require.ErrorIs(t, client.Init(t.Context()), ltxstore.ErrThrottled)
	require.NoError(t, client.Init(t.Context()))
	_, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrPermission)
}

func TestRegionOfEndpoint(t *testing.T) {
	for _, tt := range []struct {
		status       int
		header, want string
	}{
		{403, "", "us-east-1"},
		{404, "", "us-east-1"},
		{400, "garage", "garage"},
		{200, "", "us-east-1"},
		{200, "fsn1", "fsn1"},
		{403, "not a region", "us-east-1"},
	} {
		r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			assert.Equal(t, "/bucket", req.URL.Path)
			if tt.header != "" {
				w.Header().Set("X-Amz-Bucket-Region", tt.header)
			}
			w.WriteHeader(tt.status)
		}), func(cfg *Config) { cfg.Region = "" })
		assert.Equal(t, tt.want, r.cfg.Region)
	}

	// An endpoint that is down tells nothing, and keeps no connection.
	closed := make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	down := valid()
	down.Region, down.Endpoint, down.Retry.MaxAttempts = "", server.URL, 1
	down.HTTP.MaxIdleConns = 7 // other clients do not share its transport
	_, err := connectTo(t, down)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection is still open")
	}

	// Nor does one that is not there.
	cfg := valid()
	cfg.Region, cfg.Endpoint, cfg.Retry.MaxAttempts = "", unreachable, 1
	_, err = connectTo(t, cfg)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

func TestRegionOrder(t *testing.T) {
	nothing := answers(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	region := func(set func(*Config)) string {
		cfg := Config{Bucket: "bucket", HTTP: transport.Options{RoundTripper: nothing}}
		set(&cfg)
		r, err := connectTo(t, cfg)
		require.NoError(t, err)
		return r.api.Options().Region
	}
	assert.Equal(t, "auto", region(func(c *Config) { c.Endpoint = "https://a.r2.cloudflarestorage.com" }), "table")
	assert.Equal(t, "us-west-002", region(func(c *Config) { c.Endpoint = "https://s3.us-west-002.backblazeb2.com" }), "host")
	assert.Equal(t, "eu-west-1", region(func(c *Config) { c.Bucket = "arn:aws:s3:eu-west-1:123456789012:accesspoint/ap" }), "ARN")

	file := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(file, []byte("[default]\nregion = eu-north-1\n[profile p]\nregion = eu-south-1\n"), 0o600))
	t.Setenv("AWS_CONFIG_FILE", file)
	assert.Equal(t, "eu-north-1", region(func(c *Config) { c.Endpoint = "https://a.r2.cloudflarestorage.com" }), "profile before table")
	assert.Equal(t, "eu-south-1", region(func(c *Config) { c.Profile = "p" }))
	t.Setenv("AWS_REGION", "eu-central-1")
	assert.Equal(t, "eu-central-1", region(func(c *Config) { c.Profile = "p" }), "environment before profile")
	assert.Equal(t, "eu-west-2", region(func(c *Config) { c.Profile, c.Region = "p", "eu-west-2" }), "Config first")
}

func TestRegionUnderADoneContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := valid()
	cfg.Region = ""
	cfg.HTTP.RoundTripper = tripper(func(req *http.Request) (*http.Response, error) {
		cancel()
		<-req.Context().Done()
		return nil, req.Context().Err()
	})
	client := NewReplicaClient(cfg)
	err := client.Init(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.NoError(t, ltxstore.KindOf(err))
}
