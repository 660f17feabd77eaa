package abs_test

import (
	"context"
	"encoding/base64"
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
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
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
		{"parallel", false, abs.Config{AccountKey: fakeKey, ReadConcurrency: 3, ReadMemory: 3 * 256 << 10}, absfake.Options{}, lacks, some("open/", "write/l", "write/s")},
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
	dir    string // of the CA bundle
	cfg    abs.Config
	keys   backend.Keys
}

func newFake(cfg abs.Config, opt absfake.Options, secure bool) (*fake, error) {
	f, err := makeFake(cfg, opt)
	if err != nil {
		return nil, err
	}
	f.server = httptest.NewUnstartedServer(f.layer)
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if secure {
		f.server.StartTLS()
		if f.dir, err = os.MkdirTemp("", "absfake"); err != nil {
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
	open := func(change func(*abs.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return f.client(change), nil }
	}
	return replicatest.Store{
		Client:  f.client(func(*abs.Config) {}),
		Another: open(func(*abs.Config) {}),
		Once:    open(func(cfg *abs.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *abs.Config) { cfg.Path += suffix })()
		},
		Parent:   open(func(cfg *abs.Config) { cfg.Path = "backups" }),
		Missing:  open(func(cfg *abs.Config) { cfg.Bucket = "no-such-container" }),
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
			for _, key := range f.Uncommitted(fakeBucket) {
				if name, ok := strings.CutPrefix(key, prefix); ok {
					names = append(names, "upload:"+name)
				}
			}
			return names, nil
		},
		Strip: func(_ context.Context, key string) error {
			if !f.Strip(fakeBucket, prefix+key) {
				return errors.New("no such blob")
			}
			return nil
		},
		Leave: func(context.Context) error {
			f.Stage(fakeBucket, prefix+f.keys.File(0, 77, 77), base64.StdEncoding.EncodeToString(make([]byte, 64)), []byte("block"))
			return nil
		},
	}
}

func (f *fake) faults() *replicatest.Faults {
	always := func(match httpfault.Match, do httpfault.Effect) {
		f.layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	read := httpfault.Match{Operation: "GetBlob"}
	return &replicatest.Faults{
		Lookups: func() {
			always(read, azureErrors().Error(500))
			always(httpfault.Match{Operation: "GetBlobProperties"}, azureErrors().Error(500))
		},
		Lists: func() {
			always(httpfault.Match{Operation: "ListBlobs", Query: "marker"}, azureErrors().Error(500))
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
