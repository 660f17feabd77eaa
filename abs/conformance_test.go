package abs_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	fakeBucket  = "container"
	fakePath    = "backups/db"
	fakePage    = 16
	fakePart    = 64 << 10
	fakeAccount = "account"
	fakeSAS     = "sv=2026-02-06&sp=rcwdl&sig=c2lnbmF0dXJlLW9mLXRoZS10ZXN0"
)

var fakeKey = base64.StdEncoding.EncodeToString([]byte("a key of the account of the test"))

// TestConformance holds the client to the contract, on a strict server in
// this process: whole over http, and for each variation the cases in which it
// may matter.
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
		cfg   abs.Config
		fake  absfake.Options
		lacks []replicatest.Capability
		cases func(replicatest.Case) bool
	}{
		{"key", false, abs.Config{AccountKey: fakeKey}, absfake.Options{}, lacks, all},
		{"SAS over TLS", true, abs.Config{SASToken: fakeSAS}, absfake.Options{SAS: fakeSAS}, lacks, some("write/r", "write/l", "write/c", "open/r", "open/b", "open/c", "rewrite/", "error/", "delete")},
		{"customer's key", true, abs.Config{AccountKey: fakeKey, CustomerKey: []byte(strings.Repeat("k", 32))}, absfake.Options{}, lacks,
			some("write/r", "write/l", "open/ranges", "open/b", "rewrite/r", "once/a", "delete/some")},
		{"litestream", false, abs.Config{AccountKey: fakeKey, Layout: ltxstore.LayoutLitestream}, absfake.Options{}, lacks, some("list/", "delete/some", "delete-all/", "time/s", "open/range")},
		{"write once", false, abs.Config{AccountKey: fakeKey, WriteOnce: true}, absfake.Options{}, once, some("once/", "write/l", "write/r", "delete/", "all/")},
		{"parallel", false, abs.Config{AccountKey: fakeKey, Transfer: object.Options{ReadConcurrency: 3, ReadMemory: 3 * 256 << 10}}, absfake.Options{}, lacks, some("open/", "write/l", "write/s")},
		{"emulator", false, abs.Config{AccountKey: fakeKey}, absfake.Options{Emulated: true, NoStartFrom: true}, lacks, func(c replicatest.Case) bool {
			// Azurite has no StartFrom: what lies before is listed, and left out by the client.
			return c.ID != "list/seek-costs" && some("open/", "list/", "write/", "delete-all/")(c)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					return newFakeStore(test.cfg, test.fake, test.tls)
				},
				Secrets:   []string{fakeKey, "c2lnbmF0dXJlLW9mLXRoZS10ZXN0"},
				Lacks:     test.lacks,
				PageSize:  fakePage,
				BodySize:  3 * fakePart / 2,
				LargeSize: 16 * fakePart,
				Prompt:    5 * time.Second,
				// Another write of the name discards the blocks of this one, which counts
				// as replaced by it: TestReplacedMeanwhile.
				Select: func(c replicatest.Case) bool {
					return c.ID != "rewrite/upload-removed" && (test.cases == nil || test.cases(c))
				},
			})
		})
	}
}

// fake is a server, faults around it, and how its clients are configured.
type fake struct {
	*absfake.Server
	layer  *httpfault.Layer
	server *httptest.Server
	bundle string // of its certificate
	cfg    abs.Config
	keys   backend.Keys
}

func newFake(cfg abs.Config, opt absfake.Options, secure bool) (*fake, error) {
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
func makeFake(cfg abs.Config, opt absfake.Options) (*fake, error) {
	keys, err := backend.NewKeys(cfg.Layout, "")
	if err != nil {
		return nil, err
	}
	if opt.SAS == "" {
		opt.Account, opt.Key = fakeAccount, fakeKey
	}
	f := &fake{Server: absfake.New(opt, fakeBucket), cfg: cfg, keys: keys}
	f.layer = httpfault.New(f.Server)
	f.layer.Name(absfake.Operation)
	f.cfg.Account, f.cfg.Bucket, f.cfg.Path = fakeAccount, fakeBucket, fakePath
	f.cfg.Transfer.PartSize, f.cfg.Transfer.PageSize = fakePart, fakePage
	f.cfg.Retry = ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}
	f.cfg.Logger = slog.New(slog.DiscardHandler)
	return f, nil
}

func (f *fake) close() error { return fakestore.Close(f.layer, f.server, f.bundle) }

func (f *fake) client(change func(*abs.Config)) *abs.ReplicaClient {
	cfg := f.cfg
	change(&cfg)
	return abs.NewReplicaClient(cfg)
}

func newFakeStore(cfg abs.Config, opt absfake.Options, secure bool) (replicatest.Store, error) {
	f, err := newFake(cfg, opt, secure)
	if err != nil {
		return replicatest.Store{}, err
	}
	return fakestore.Replica[abs.Config]{
		Fake:   f,
		Layer:  f.layer,
		Keys:   f.keys,
		Config: f.cfg,
		New:    func(cfg abs.Config) ltxstore.ReplicaClient { return abs.NewReplicaClient(cfg) },
		Fields: func(cfg *abs.Config) (bucket, path *string, writeOnce *bool) {
			return &cfg.Bucket, &cfg.Path, &cfg.WriteOnce
		},
		Uploads: f.Uncommitted,
		Begin: func(bucket, key string) {
			f.Stage(bucket, key, base64.StdEncoding.EncodeToString(make([]byte, 64)), []byte("block"))
		},
		FailDeletes: f.FailDeletes,
		Read:        "GetBlob",
		Lookups:     map[string]httpfault.Effect{"GetBlob": azureErrors().Error(500), "GetBlobProperties": azureErrors().Error(500)},
		Page:        httpfault.Match{Operation: "ListBlobs", Query: "marker"},
		PageFails:   azureErrors().Error(500),
	}.Store(f.close), nil
}
