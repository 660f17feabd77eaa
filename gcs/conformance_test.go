package gcs_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	fakeBucket = "bucket"
	fakePath   = "backups/db"
	fakePage   = 16
	fakeChunk  = 256 << 10
)

// TestConformance holds the client to the contract, on a strict server in
// this process: whole over http, and for each variation the cases in which it
// may matter.
func TestConformance(t *testing.T) {
	lacks := []replicatest.Capability{
		replicatest.BoundedMemory, // the server's memory is this process's
		replicatest.Leftovers,     // an unfinished upload cannot be seen by anybody
		replicatest.Secrets,       // see TestSecrets: an emulator is sent none
	}
	once := append([]replicatest.Capability{replicatest.Rewriting}, lacks...)
	all := func(replicatest.Case) bool { return true }
	some := func(prefixes ...string) func(replicatest.Case) bool {
		runs := race.OneOf(3)
		return func(c replicatest.Case) bool {
			return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(c.ID, prefix) }) && runs()
		}
	}
	for _, test := range []struct {
		name  string
		tls   bool
		cfg   gcs.Config
		fake  gcsfake.Options
		lacks []replicatest.Capability
		cases func(replicatest.Case) bool
	}{
		{"http", false, gcs.Config{}, gcsfake.Options{}, lacks, all},
		{"TLS", true, gcs.Config{}, gcsfake.Options{}, lacks, some("write/r", "write/l", "write/c", "open/r", "open/b", "open/c", "rewrite/")},
		{"customer's key", true, gcs.Config{SSECustomerKey: []byte(strings.Repeat("k", 32))}, gcsfake.Options{}, lacks,
			some("write/r", "write/l", "open/ranges", "open/b", "rewrite/r", "once/a", "delete/some")},
		{"litestream", false, gcs.Config{Layout: ltxstore.LayoutLitestream}, gcsfake.Options{}, lacks, some("list/pages-seek", "list/s", "delete/some", "delete-all/s", "time/s", "open/range")},
		{"write once", false, gcs.Config{WriteOnce: true}, gcsfake.Options{}, once, some("once/", "write/l", "write/r", "delete/", "all/")},
		{"parallel", false, gcs.Config{Transfer: object.Options{ReadConcurrency: 3, ReadMemory: 3 * 256 << 10}}, gcsfake.Options{}, lacks, some("open/", "write/l", "write/s")},
		{"eager", false, gcs.Config{}, gcsfake.Options{Eager: true}, lacks, some("write/", "rewrite/")},
	} {
		t.Run(test.name, func(t *testing.T) {
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					return newFakeStore(test.cfg, test.fake, test.tls)
				},
				Lacks:     test.lacks,
				PageSize:  fakePage,
				BodySize:  3 * fakeChunk / 2,
				LargeSize: 16 * fakeChunk,
				Prompt:    5 * time.Second,
				Select:    test.cases,
			})
		})
	}
}

// fake is a server, faults around it, and how its clients are configured.
type fake struct {
	*gcsfake.Server
	layer  *httpfault.Layer
	server *httptest.Server
	bundle string // of its certificate
	cfg    gcs.Config
	keys   backend.Keys
}

func newFake(cfg gcs.Config, opt gcsfake.Options, secure bool) (*fake, error) {
	f, err := makeFake(cfg, opt)
	if err != nil {
		return nil, err
	}
	if f.server, f.bundle, err = fakestore.Listen(f.layer, secure); err != nil {
		return nil, err
	}
	if secure {
		f.cfg.HTTP.CABundle = f.bundle
	}
	f.cfg.Endpoint = f.server.URL
	return f, nil
}

// makeFake returns one whose server is still to be started.
func makeFake(cfg gcs.Config, opt gcsfake.Options) (*fake, error) {
	keys, err := backend.KeysAt(cfg.Layout, "")
	if err != nil {
		return nil, err
	}
	f := &fake{Server: gcsfake.New(opt, fakeBucket), cfg: cfg, keys: keys}
	f.layer = httpfault.New(f.Server)
	f.layer.Name(gcsfake.Operation)
	f.cfg.Bucket, f.cfg.Path = fakeBucket, fakePath
	f.cfg.Transfer.PartSize, f.cfg.Transfer.PageSize = fakeChunk, fakePage
	f.cfg.Retry = ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}
	f.cfg.Logger = slog.New(slog.DiscardHandler)
	return f, nil
}

func (f *fake) close() error { return fakestore.Close(f.layer, f.server, f.bundle) }

func (f *fake) client(change func(*gcs.Config)) *gcs.ReplicaClient {
	cfg := f.cfg
	change(&cfg)
	return gcs.NewReplicaClient(cfg)
}

func newFakeStore(cfg gcs.Config, opt gcsfake.Options, secure bool) (replicatest.Store, error) {
	f, err := newFake(cfg, opt, secure)
	if err != nil {
		return replicatest.Store{}, err
	}
	return fakestore.Replica[gcs.Config]{
		Fake:   f,
		Layer:  f.layer,
		Keys:   f.keys,
		Config: f.cfg,
		New:    func(cfg gcs.Config) ltxstore.ReplicaClient { return gcs.NewReplicaClient(cfg) },
		Fields: func(cfg *gcs.Config) (bucket, path *string, writeOnce *bool) {
			return &cfg.Bucket, &cfg.Path, &cfg.WriteOnce
		},
		Uploads: f.Sessions,
		FailDeletes: func(match func(key string) bool) {
			f.FailDeletes(func(key string) string {
				if match(key) {
					return "forbidden"
				}
				return ""
			})
		},
		Read:      "ReadObject",
		Lookups:   map[string]httpfault.Effect{"ReadObject": httpfault.Status(500, nil, "")},
		Page:      httpfault.Match{Operation: "ListObjects", Query: "pageToken"},
		PageFails: httpfault.Status(500, nil, ""),
	}.Store(f.close), nil
}

var _ io.Closer = (*gcs.ReplicaClient)(nil)
