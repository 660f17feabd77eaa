package oss_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/oss"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	fakeBucket = "bucket"
	fakePath   = "backups/db"
	fakePage   = 16
	fakePart   = 100 << 10
	fakeID     = "access-key-of-the-test"
	fakeSecret = "c2VjcmV0LW9mLXRoZS10ZXN0"
	fakeRegion = "cn-test"
)

// TestConformance holds the client to the contract, on a strict server in this
// process: whole over http, and for each variation the cases in which it may
// matter.
func TestConformance(t *testing.T) {
	lacks := []replicatest.Capability{replicatest.BoundedMemory} // the server's memory is this process's
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
		cfg   oss.Config
		lacks []replicatest.Capability
		cases func(replicatest.Case) bool
	}{
		{"key", false, oss.Config{}, lacks, all},
		{"over TLS", true, oss.Config{}, lacks, some("write/", "open/", "rewrite/r")},
		{"litestream", false, oss.Config{Layout: ltxstore.LayoutLitestreamS3}, lacks, some("list/", "delete/some", "delete-all/", "time/s", "open/range")},
		{"write once", false, oss.Config{WriteOnce: true}, once, some("once/", "write/l", "write/r", "delete/", "all/")},
		{"parallel", false, oss.Config{Transfer: object.Options{ReadConcurrency: 3, ReadMemory: 3 * 256 << 10}}, lacks, some("open/", "write/l", "write/s")},
	} {
		t.Run(test.name, func(t *testing.T) {
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					return newFakeStore(test.cfg, ossfake.Options{}, test.tls)
				},
				Secrets:   []string{fakeSecret},
				Lacks:     test.lacks,
				PageSize:  fakePage,
				BodySize:  3 * fakePart / 2,
				LargeSize: 16 * fakePart,
				Prompt:    5 * time.Second,
				Select:    test.cases,
			})
		})
	}
}

// fake is a server, faults around it, and how its clients are configured.
type fake struct {
	*ossfake.Server
	layer  *httpfault.Layer
	server *httptest.Server
	bundle string // of its certificate
	cfg    oss.Config
	keys   backend.Keys
}

func newFake(cfg oss.Config, opt ossfake.Options, secure bool) (*fake, error) {
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
func makeFake(cfg oss.Config, opt ossfake.Options) (*fake, error) {
	keys, err := backend.NewKeys(cfg.Layout, "")
	if err != nil {
		return nil, err
	}
	opt.ID, opt.Secret, opt.Region = fakeID, fakeSecret, fakeRegion
	f := &fake{Server: ossfake.New(opt, fakeBucket), cfg: cfg, keys: keys}
	f.layer = httpfault.New(f.Server)
	f.layer.Name(ossfake.Operation)
	f.cfg.AccessKeyID, f.cfg.SecretAccessKey, f.cfg.Region = fakeID, fakeSecret, fakeRegion
	f.cfg.Bucket, f.cfg.Path = fakeBucket, fakePath
	f.cfg.Transfer.PartSize, f.cfg.Transfer.PageSize = fakePart, fakePage
	f.cfg.Retry = ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}
	f.cfg.Logger = slog.New(slog.DiscardHandler)
	return f, nil
}

func (f *fake) close() error { return fakestore.Close(f.layer, f.server, f.bundle) }

func (f *fake) client(change func(*oss.Config)) *oss.ReplicaClient {
	cfg := f.cfg
	change(&cfg)
	return oss.NewReplicaClient(cfg)
}

func newFakeStore(cfg oss.Config, opt ossfake.Options, secure bool) (replicatest.Store, error) {
	f, err := newFake(cfg, opt, secure)
	if err != nil {
		return replicatest.Store{}, err
	}
	return fakestore.Replica[oss.Config]{
		Fake:   f,
		Layer:  f.layer,
		Keys:   f.keys,
		Config: f.cfg,
		New:    func(cfg oss.Config) ltxstore.ReplicaClient { return oss.NewReplicaClient(cfg) },
		Fields: func(cfg *oss.Config) (bucket, path *string, writeOnce *bool) {
			return &cfg.Bucket, &cfg.Path, &cfg.WriteOnce
		},
		Uploads:     f.Uploads,
		Begin:       f.Begin,
		FailDeletes: f.FailDeletes,
		Read:        "GetObject",
		Lookups:     map[string]httpfault.Effect{"GetObject": ossErrors().Error(500), "HeadObject": ossErrors().Error(500)},
		Page:        httpfault.Match{Operation: "ListObjectsV2", Query: "continuation-token"},
		PageFails:   ossErrors().Error(500),
	}.Store(f.close), nil
}
