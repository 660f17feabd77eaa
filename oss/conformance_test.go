package oss_test

import (
	"context"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
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
		{"parallel", false, oss.Config{ReadConcurrency: 3, ReadMemory: 3 * 256 << 10}, lacks, some("open/", "write/l", "write/s")},
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
	dir    string // of the CA bundle
	cfg    oss.Config
	keys   backend.Keys
}

func newFake(cfg oss.Config, opt ossfake.Options, secure bool) (*fake, error) {
	f, err := makeFake(cfg, opt)
	if err != nil {
		return nil, err
	}
	f.server = httptest.NewUnstartedServer(f.layer)
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if secure {
		f.server.StartTLS()
		if f.dir, err = os.MkdirTemp("", "ossfake"); err != nil {
			return nil, err
		}
		f.cfg.CABundle = filepath.Join(f.dir, "ca.pem")
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.server.Certificate().Raw})
		if err := os.WriteFile(f.cfg.CABundle, ca, 0o600); err != nil {
			return nil, err
		}
	} else {
		f.server.Start()
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
	f.cfg.PartSize, f.cfg.PageSize = fakePart, fakePage
	f.cfg.Retry = ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond}
	f.cfg.Logger = slog.New(slog.DiscardHandler)
	return f, nil
}

func (f *fake) close() error {
	f.layer.Clear()
	f.server.CloseClientConnections()
	f.server.Close()
	return os.RemoveAll(f.dir)
}

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
	open := func(change func(*oss.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return f.client(change), nil }
	}
	return replicatest.Store{
		Client:  f.client(func(*oss.Config) {}),
		Another: open(func(*oss.Config) {}),
		Once:    open(func(cfg *oss.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *oss.Config) { cfg.Path += suffix })()
		},
		Parent:   open(func(cfg *oss.Config) { cfg.Path = "backups" }),
		Missing:  open(func(cfg *oss.Config) { cfg.Bucket = "no-such-bucket" }),
		Requests: f.layer.Requests,
		Raw:      f.raw(),
		Faults:   f.faults(),
		Close:    f.close,
	}, nil
}

func (f *fake) raw() *replicatest.Raw {
	const prefix = fakePath + "/"
	return &replicatest.Raw{
		Keys: f.keys,
		Put: func(_ context.Context, key string, body []byte) error {
			f.Put(fakeBucket, prefix+key, body)
			return nil
		},
		List: func(context.Context) ([]string, error) {
			var names []string
			for _, key := range f.Keys(fakeBucket) {
				if name, ok := strings.CutPrefix(key, prefix); ok {
					names = append(names, name)
				}
			}
			for _, key := range f.Uploads(fakeBucket) {
				if name, ok := strings.CutPrefix(key, prefix); ok {
					names = append(names, "upload:"+name)
				}
			}
			return names, nil
		},
		Strip: func(_ context.Context, key string) error {
			if !f.Strip(fakeBucket, prefix+key) {
				return errors.New("no such object")
			}
			return nil
		},
		Leave: func(context.Context) error {
			f.Begin(fakeBucket, prefix+f.keys.File(0, 77, 77))
			return nil
		},
	}
}

func (f *fake) faults() *replicatest.Faults {
	always := func(match httpfault.Match, do httpfault.Effect) {
		f.layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	read := httpfault.Match{Operation: "GetObject"}
	return &replicatest.Faults{
		Lookups: func() {
			always(read, ossErrors().Error(500))
			always(httpfault.Match{Operation: "HeadObject"}, ossErrors().Error(500))
		},
		Lists: func() {
			always(httpfault.Match{Operation: "ListObjectsV2", Query: "continuation-token"}, ossErrors().Error(500))
		},
		Cut:   func(n int64) { always(read, httpfault.Truncate(n)) },
		Stall: func(n int64) { always(read, httpfault.StallAfter(n)) },
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			f.FailDeletes(func(key string) bool {
				name, _ := strings.CutPrefix(key, fakePath+"/")
				level, minTXID, maxTXID, ok := f.keys.Parse(name)
				return ok && match(level, minTXID, maxTXID)
			})
		},
		Unreachable: func() { always(httpfault.Match{}, httpfault.Refuse()) },
	}
}
