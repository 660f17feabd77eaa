package s3_test

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
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/internal/testkit/s3store"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	fakeBucket = "bucket"
	fakePath   = "backups/db"
	fakeID     = "AKIDFAKE"
	fakeSecret = "correct-horse-battery-staple"
	fakeToken  = "a-session-token-that-nobody-may-see"
	fakePage   = 16
	smallPart  = 128 << 10
)

// TestConformance holds the client to the contract, on a strict server in
// this process: whole over http, and for each variation the cases in which it
// may matter: over TLS bodies are sent in another way. Parts have 128 KiB, but for
// one run.
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
		cfg   s3.Config
		fake  s3fake.Options
		lacks []replicatest.Capability
		part  int64
		cases func(replicatest.Case) bool
	}{
		{"http", false, s3.Config{}, s3fake.Options{}, lacks, smallPart, all},
		{"real parts", false, s3.Config{}, s3fake.Options{}, lacks, 5 << 20, some("write/l", "write/i", "open/b")},
		{"TLS", true, s3.Config{ChecksumAlgorithm: "crc32"}, s3fake.Options{}, lacks, smallPart, some("write/r", "write/l", "write/c", "rewrite/m", "once/a", "open/r", "open/b")},
		{"litestream-s3", false, s3.Config{Layout: ltxstore.LayoutLitestreamS3}, s3fake.Options{}, lacks, smallPart, some("list/pages-seek", "list/s", "delete/some", "delete-all/s", "time/s", "open/range")},
		{"write once", false, s3.Config{WriteOnce: true}, s3fake.Options{}, once, smallPart, some("once/", "write/l", "write/r", "delete/", "all/")},
		{"old service", false, s3.Config{}, s3fake.Options{RefuseChecksums: true, DeleteNeedsMD5: true, EqualParts: true, Omit: []string{"ETag"}}, lacks, smallPart, some("write/", "list/pages-seek", "list/s", "time/", "delete")},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fake.MinPart = test.part
			s3.TakeSmallParts(&test.cfg, test.part)
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					return newFakeStore(test.cfg, test.fake, test.tls)
				},
				Lacks:     test.lacks,
				PageSize:  fakePage,
				BodySize:  test.part * 6 / 5, // a part and a piece
				LargeSize: test.part * 16 / 5,
				Prompt:    5 * time.Second,
				Secrets:   []string{fakeSecret, fakeToken},
				Select:    test.cases,
			})
		})
	}
}

// fake is a server, faults around it, and how its clients are configured.
type fake struct {
	*s3fake.Server
	layer  *httpfault.Layer
	server *httptest.Server
	bundle string // of its certificate
	cfg    s3.Config
	keys   backend.Keys
}

func newFake(cfg s3.Config, opt s3fake.Options, secure bool) (*fake, error) {
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
func makeFake(cfg s3.Config, opt s3fake.Options) (*fake, error) {
	opt.AccessKeyID, opt.SecretAccessKey, opt.SessionToken = fakeID, fakeSecret, fakeToken
	if opt.PageSize == 0 {
		opt.PageSize = fakePage
	}
	keys, err := backend.NewKeys(cfg.Layout, "")
	if err != nil {
		return nil, err
	}
	f := &fake{Server: s3fake.New(opt, fakeBucket), cfg: cfg, keys: keys}
	f.layer = httpfault.New(f.Server)
	f.layer.Name(s3fake.Operation)
	f.cfg.Bucket, f.cfg.Path, f.cfg.Region = fakeBucket, fakePath, "us-east-1"
	f.cfg.AccessKeyID, f.cfg.SecretAccessKey, f.cfg.SessionToken = fakeID, fakeSecret, fakeToken
	f.cfg.Retry = ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}
	f.cfg.Logger = slog.New(slog.DiscardHandler)
	return f, nil
}

func (f *fake) close() error { return fakestore.Close(f.layer, f.server, f.bundle) }

func (f *fake) client(change func(*s3.Config)) *s3.ReplicaClient {
	cfg := f.cfg
	change(&cfg)
	return s3.NewReplicaClient(cfg)
}

func newFakeStore(cfg s3.Config, opt s3fake.Options, secure bool) (replicatest.Store, error) {
	f, err := newFake(cfg, opt, secure)
	if err != nil {
		return replicatest.Store{}, err
	}
	return s3store.New(f.cfg, f.Server, f.layer, f.keys, f.close), nil
}

var _ io.Closer = (*s3.ReplicaClient)(nil)
