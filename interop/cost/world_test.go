package cost_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	litestreams3 "github.com/benbjohnson/litestream/s3"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// world is a store whose requests are counted. It is outside the bubble in which
// its clients live: a socket that is waited for is no reason for the bubble's clock
// to stop, unless a connection is kept, which none is.
type world struct {
	server *httptest.Server
	layer  *httpfault.Layer
	clock  atomic.Int64 // the bubble's, in Unix nanoseconds
}

func newWorld(t *testing.T, pageSize int) *world {
	t.Helper()
	w := &world{}
	clock := func() time.Time { return time.Unix(0, w.clock.Load()) }
	w.layer = httpfault.New(s3fake.New(s3fake.Options{Clock: clock, PageSize: pageSize}, bucket))
	w.layer.Name(s3fake.Operation)
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", clock().UTC().Format(http.TimeFormat)) // the SDK signs with the server's time
		w.layer.ServeHTTP(rw, r)
	}))
	w.server.Config.SetKeepAlivesEnabled(false)
	w.server.Config.ReadHeaderTimeout = 300 * time.Millisecond // a connection that was opened for a request given up
	w.server.Start()
	t.Cleanup(w.server.Close)
	return w
}

// tick tells the store the bubble's time, at instants when nothing else happens.
func (w *world) tick(done <-chan struct{}) {
	w.clock.Store(time.Now().UnixNano())
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			w.clock.Store(now.UnixNano())
		case <-done:
			return
		}
	}
}

// kinds are the clients that are compared.
type kind int

const (
	stock kind = iota
	ours
	cached
	kinds
)

func (k kind) String() string {
	return [...]string{"Litestream's", "ours", "ours with wrap/cache"}[k]
}

const (
	bucket = "bucket"
	path   = "replicas/db"
)

// client returns a client with default settings, for one replica whichever it is.
func (w *world) client(t *testing.T, k kind) (client ltxstore.ReplicaClient) {
	t.Helper()
	silent := slog.New(slog.DiscardHandler)
	if k == stock {
		c := litestreams3.NewReplicaClient()
		c.Bucket, c.Path, c.Region, c.Endpoint, c.ForcePathStyle = bucket, path, "us-east-1", w.server.URL, true
		c.AccessKeyID, c.SecretAccessKey = "key", "secret"
		c.SetLogger(silent)
		return c
	}
	c := s3.NewReplicaClient(s3.Config{Bucket: bucket, Path: path, Region: "us-east-1", Endpoint: w.server.URL,
		Layout: ltxstore.LayoutLitestreamS3, AccessKeyID: "key", SecretAccessKey: "secret", Logger: silent})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	if k == cached {
		return cache.New(c, cache.Config{})
	}
	return c
}
