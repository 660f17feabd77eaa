package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// suiteSecret is an SSE-C key, which is as long as AES-256 wants it.
const suiteSecret = "interop-sse-c-key-of-32-bytes--!"

// suites are the ways in which the conformance suite goes over real servers:
// each server over http and over TLS, where bodies carry their checksum in a
// trailer if they have one, every layout, and SSE-C where it works.
var suites = []struct {
	realServer
	layout ltxstore.Layout
	sseC   bool
}{
	{realServer{"versitygw", servers.Versitygw, false}, ltxstore.LayoutLitestreamS3, false},
	{realServer{"versitygw", servers.Versitygw, false}, ltxstore.LayoutLitestream, false},
	{realServer{"versitygw TLS", servers.Versitygw, true}, ltxstore.LayoutDefault, false},
	{realServer{"versitygw TLS", servers.Versitygw, true}, ltxstore.LayoutLitestreamS3, false},
	{realServer{"minio", servers.MinIO, false}, ltxstore.LayoutDefault, false},
	{realServer{"minio", servers.MinIO, false}, ltxstore.LayoutLitestreamS3, false},
	{realServer{"minio TLS", servers.MinIO, true}, ltxstore.LayoutLitestream, false},
	{realServer{"minio TLS", servers.MinIO, true}, ltxstore.LayoutLitestreamS3, true},
	{realServer{"rclone", servers.Rclone, false}, ltxstore.LayoutLitestreamS3, false},
	{realServer{"rclone TLS", servers.Rclone, true}, ltxstore.LayoutDefault, false},
}

func TestS3Conformance(t *testing.T) {
	for _, suite := range suites {
		name := suite.name + " " + suite.layout.String()
		if suite.sseC {
			name += " SSE-C"
		}
		t.Run(name, func(t *testing.T) {
			server := suite.start(t, suite.tls)
			space := &space{server: server, bucket: server.NewBucket(t), layout: suite.layout}
			if suite.sseC {
				space.sse = []byte(suiteSecret)
				space.bucket = space.bucket.WithCustomerKey(space.sse)
			}
			lacks := []replicatest.Capability{
				// A real server does not fail on demand: this is done on the
				// one in the library's own tests.
				replicatest.FailingLookups, replicatest.FailingLists, replicatest.FailingDeletes,
				replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.Outages,
				// To count pages thousands of files are needed: see TestS3Many.
				replicatest.CountedRequests,
			}
			if server.Name == "rclone" {
				lacks = append(lacks, replicatest.BoundedMemory) // its objects are in this process
			}
			if server.Name == "minio" {
				// MinIO tells nobody of the unfinished uploads below a prefix.
				lacks = append(lacks, replicatest.Leftovers)
			}
			replicatest.Run(t, replicatest.Config{
				New:         func(context.Context) (replicatest.Store, error) { return space.store() },
				Lacks:       lacks,
				PageSize:    20,
				BodySize:    partSize + 1<<20,
				LargeSize:   48 << 20,
				MemoryLimit: 24 << 20,
				Secrets:     []string{server.SecretKey, suiteSecret},
			})
		})
	}
}

// partSize is the least that S3 allows.
const partSize = 5 << 20

// space is a bucket with room for many replicas.
type space struct {
	server *servers.Server
	bucket *servers.Bucket
	layout ltxstore.Layout
	sse    []byte
	stores atomic.Int64
}

// config returns what every client of the server needs.
func (s *space) config(path string) s3.Config {
	return s3.Config{
		Bucket:          s.bucket.Name,
		Path:            path,
		Layout:          s.layout,
		Region:          s.server.Region,
		Endpoint:        s.server.Endpoint,
		AccessKeyID:     s.server.AccessKey,
		SecretAccessKey: s.server.SecretKey,
		HTTP:            transport.Options{CABundle: s.server.CABundle},
		SSECustomerKey:  s.sse,
		Transfer:        object.Options{PartSize: partSize, Concurrency: 2, ReadMemory: 2 * partSize},
		Logger:          slog.New(slog.DiscardHandler),
	}
}

// store returns a replica at a path that was never used.
func (s *space) store() (replicatest.Store, error) {
	base := s.config(fmt.Sprintf("case-%d/backups/db", s.stores.Add(1)))
	keys, err := backend.NewKeys(s.layout, "")
	if err != nil {
		return replicatest.Store{}, err
	}
	wire := &wire{next: s.server.Transport(), bucket: s.bucket.Name}
	if s.server.Name == "minio" {
		// Elsewhere the client's own transport is under test, with its pool
		// and CABundle.
		base.HTTP.RoundTripper, base.HTTP.CABundle = wire, ""
	}
	var clients []*s3.ReplicaClient
	with := func(change func(*s3.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := base
			change(&cfg)
			c := s3.NewReplicaClient(cfg)
			clients = append(clients, c)
			return c, nil
		}
	}
	first, _ := with(func(*s3.Config) {})()
	store := replicatest.Store{
		Client:  first,
		Another: with(func(*s3.Config) {}),
		Once:    with(func(cfg *s3.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return with(func(cfg *s3.Config) { cfg.Path += suffix })()
		},
		Parent:  with(func(cfg *s3.Config) { cfg.Path = path.Dir(cfg.Path) }),
		Missing: with(func(cfg *s3.Config) { cfg.Bucket = "interop-no-such-bucket" }),
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(ctx context.Context, key string, body []byte) error {
				return s.bucket.Put(ctx, base.Path+"/"+key, body)
			},
			Strip: func(ctx context.Context, key string) error { return s.bucket.Strip(ctx, base.Path+"/"+key) },
			List:  func(ctx context.Context) ([]string, error) { return s.list(ctx, base.Path+"/", wire) },
		},
		Close: func() error {
			var errs []error
			for _, c := range clients {
				errs = append(errs, c.Close())
			}
			return errors.Join(errs...)
		},
	}
	if s.server.Name != "minio" {
		store.Raw.Leave = func(ctx context.Context) error {
			return s.bucket.StartUpload(ctx, base.Path+"/"+keys.File(0, 77, 77))
		}
	}
	return store, nil
}

// list returns the names of all objects and unfinished uploads below prefix.
func (s *space) list(ctx context.Context, prefix string, wire *wire) ([]string, error) {
	var names []string
	keys, err := s.bucket.Keys(ctx, prefix)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		names = append(names, strings.TrimPrefix(key, prefix))
	}
	asked := []string{prefix}
	if s.server.Name == "minio" {
		asked = wire.uploads()
	}
	for _, ask := range asked {
		uploads, err := s.bucket.Uploads(ctx, ask)
		if err != nil {
			return nil, err
		}
		for _, key := range uploads {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				names = append(names, "upload:"+name)
			}
		}
	}
	return names, nil
}

// wire counts the requests that clients send, and remembers which uploads they
// started: MinIO cannot be asked for them.
type wire struct {
	next   http.RoundTripper
	bucket string

	mu      sync.Mutex
	counts  map[string]int
	started map[string]bool
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	query, op := req.URL.Query(), req.Method
	switch {
	case query.Has("list-type"):
		op = "LIST"
	case query.Has("delete"):
		op = "DELETE MANY"
	case query.Has("uploads") && req.Method == http.MethodPost:
		op = "START UPLOAD"
	}
	w.mu.Lock()
	if w.counts == nil {
		w.counts, w.started = make(map[string]int), make(map[string]bool)
	}
	w.counts[op]++
	if op == "START UPLOAD" {
		w.started[strings.TrimPrefix(req.URL.Path, "/"+w.bucket+"/")] = true
	}
	w.mu.Unlock()
	return w.next.RoundTrip(req)
}

// sent returns how many requests of each kind were sent since the last call.
func (w *wire) sent() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := w.counts
	w.counts = make(map[string]int)
	return counts
}

func (w *wire) uploads() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.started))
}

// small is the body of a small file.
func small(file int) *bytes.Reader {
	return bytes.NewReader(replicatest.NewLTXFile(txid(file), txid(file), time.UnixMilli(1_700_000_000_000), 1))
}
