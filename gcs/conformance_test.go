package gcs_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
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
	"github.com/ltxstore/ltxstore/gcs"
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
		{"parallel", false, gcs.Config{ReadConcurrency: 3, ReadMemory: 3 * 256 << 10}, gcsfake.Options{}, lacks, some("open/", "write/l", "write/s")},
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
	dir    string // of the CA bundle
	cfg    gcs.Config
	keys   backend.Keys
}

func newFake(cfg gcs.Config, opt gcsfake.Options, secure bool) (*fake, error) {
	f, err := makeFake(cfg, opt)
	if err != nil {
		return nil, err
	}
	f.server = httptest.NewUnstartedServer(f.layer)
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if secure {
		f.server.StartTLS()
		if f.dir, err = os.MkdirTemp("", "gcsfake"); err != nil {
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
func makeFake(cfg gcs.Config, opt gcsfake.Options) (*fake, error) {
	keys, err := backend.KeysAt(cfg.Layout, "")
	if err != nil {
		return nil, err
	}
	f := &fake{Server: gcsfake.New(opt, fakeBucket), cfg: cfg, keys: keys}
	f.layer = httpfault.New(f.Server)
	f.layer.Name(gcsfake.Operation)
	f.cfg.Bucket, f.cfg.Path = fakeBucket, fakePath
	f.cfg.ChunkSize, f.cfg.PageSize = fakeChunk, fakePage
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
	open := func(change func(*gcs.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return f.client(change), nil }
	}
	return replicatest.Store{
		Client:  f.client(func(*gcs.Config) {}),
		Another: open(func(*gcs.Config) {}),
		Once:    open(func(cfg *gcs.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *gcs.Config) { cfg.Path += suffix })()
		},
		Parent:   open(func(cfg *gcs.Config) { cfg.Path = "backups" }),
		Missing:  open(func(cfg *gcs.Config) { cfg.Bucket = "no-such-bucket" }),
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
			for _, key := range f.Sessions(fakeBucket) {
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
	}
}

func (f *fake) faults() *replicatest.Faults {
	always := func(match httpfault.Match, do httpfault.Effect) {
		f.layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	read := httpfault.Match{Operation: "ReadObject"}
	return &replicatest.Faults{
		Lookups: func() { always(read, httpfault.Status(500, nil, "")) },
		Lists: func() {
			always(httpfault.Match{Operation: "ListObjects", Query: "pageToken"}, httpfault.Status(500, nil, ""))
		},
		Cut:   func(n int64) { always(read, httpfault.Truncate(n)) },
		Stall: func(n int64) { always(read, httpfault.StallAfter(n)) },
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			f.FailDeletes(func(key string) string {
				name, _ := strings.CutPrefix(key, fakePath+"/")
				if level, minTXID, maxTXID, ok := f.keys.Parse(name); ok && match(level, minTXID, maxTXID) {
					return "forbidden"
				}
				return ""
			})
		},
		Unreachable: func() { always(httpfault.Match{}, httpfault.Refuse()) },
	}
}

var _ io.Closer = (*gcs.ReplicaClient)(nil)
