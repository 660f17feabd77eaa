package nats_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsio "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	testPath  = "backups/db"
	testChunk = 32 << 10
	testPage  = 48 // of the suite: see TestListBatches for the store's own
	user      = "replica"
	password  = "nats-password-6f1c2a"
)

// start starts a server and waits until it is ready. It is stopped with the test.
func start(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	s := launch(t, change)
	require.True(t, s.ReadyForConnections(30*time.Second))
	return s
}

// launch is start without the waiting.
func launch(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "nats-")
	require.NoError(t, err)
	opts := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
		Username: user, Password: password, MaxPayload: 1 << 20}
	if change != nil {
		change(opts)
	}
	s, err := server.NewServer(opts)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
		_ = os.RemoveAll(dir)
	})
	return s
}

// service is a bucket, reached through a proxy and directly.
type service struct {
	*proxy
	bucket string
	cfg    nats.Config
	direct *natsio.Conn
	js     jetstream.JetStream
	store  jetstream.ObjectStore

	clients atomic.Int64
}

var buckets atomic.Int64

func newService(s *server.Server, replicas int, storage jetstream.StorageType, cfg nats.Config) (*service, error) {
	p, err := newProxy(s.Addr().String())
	if err != nil {
		return nil, err
	}
	f := &service{proxy: p, bucket: fmt.Sprintf("bucket-%d", buckets.Add(1)), cfg: cfg}
	if f.direct, err = natsio.Connect(s.ClientURL(), natsio.UserInfo(user, password)); err != nil {
		return nil, err
	}
	if f.js, err = jetstream.New(f.direct); err != nil {
		return nil, err
	}
	if f.store, err = createBucket(f.js, f.bucket, replicas, storage); err != nil {
		return nil, err
	}
	f.cfg.URL, f.cfg.Bucket, f.cfg.Path = p.url(), f.bucket, testPath
	f.cfg.Username, f.cfg.Password = user, password
	if f.cfg.Transfer.PartSize == 0 {
		f.cfg.Transfer.PartSize = testChunk
	}
	f.cfg.ReconnectWait, f.cfg.IdleTimeout = 20*time.Millisecond, 5*time.Second
	f.cfg.Retry = ltxstore.Retry{MaxAttempts: 6, BaseDelay: 2 * time.Millisecond, MaxDelay: 50 * time.Millisecond}
	f.cfg.Logger = slog.New(slog.DiscardHandler)
	return f, nil
}

// createBucket creates a bucket as soon as so many servers are there.
func createBucket(js jetstream.JetStream, bucket string, replicas int, storage jetstream.StorageType) (store jetstream.ObjectStore, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		store, err = js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: bucket, Replicas: replicas, Storage: storage})
		const noPeers = 10005
		if api := (*jetstream.APIError)(nil); !errors.As(err, &api) || api.ErrorCode != noPeers || ctx.Err() != nil {
			return store, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (f *service) end() error {
	f.close()
	err := f.js.DeleteObjectStore(context.Background(), f.bucket)
	f.direct.Close()
	return err
}

// client returns a client with a connection of its own, as that of another process.
func (f *service) client(change func(*nats.Config)) *nats.ReplicaClient {
	cfg := f.cfg
	cfg.Timeout = 10*time.Second + time.Duration(f.clients.Add(1))
	if change != nil {
		change(&cfg)
	}
	return nats.NewReplicaClient(cfg)
}

// TestConformance holds the client to the contract on a server in this process.
func TestConformance(t *testing.T) {
	s := start(t, nil)
	for _, test := range []struct {
		name  string
		cfg   nats.Config
		cases func(replicatest.Case) bool
	}{
		{"default", nats.Config{}, nil},
		{"write once", nats.Config{WriteOnce: true}, some("once/", "write/l", "write/r", "delete/o")},
		{"litestream", nats.Config{Layout: ltxstore.LayoutLitestream}, some("delete-all/s", "open/range", "time/s")},
		{"parallel", nats.Config{Transfer: object.Options{ReadConcurrency: 3}}, some("open/")},
	} {
		t.Run(test.name, func(t *testing.T) { conforms(t, s, 1, test.cfg, test.cases) })
	}
}

// some selects the cases whose names begin with one of these.
func some(prefixes ...string) func(replicatest.Case) bool {
	return func(c replicatest.Case) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(c.ID, prefix) })
	}
}

func conforms(t *testing.T, s *server.Server, replicas int, cfg nats.Config, cases func(replicatest.Case) bool) {
	t.Helper()
	lacks := []replicatest.Capability{
		replicatest.BoundedMemory,   // the server's memory is this process's
		replicatest.CountedRequests, // every listing is of the whole bucket: see TestRequests
	}
	if cfg.WriteOnce {
		lacks = append(lacks, replicatest.Rewriting)
	}
	replicatest.Run(t, replicatest.Config{
		New:       func(context.Context) (replicatest.Store, error) { return newStore(s, replicas, cfg) },
		Lacks:     lacks,
		PageSize:  testPage,
		BodySize:  40 * testChunk,
		LargeSize: 8 << 20,
		Prompt:    8 * time.Second,
		Secrets:   []string{password},
		Select:    cases,
		IgnoreGoroutine: func(stack string) bool {
			return strings.Contains(stack, "nats-io/")
		},
	})
}

func newStore(s *server.Server, replicas int, cfg nats.Config) (replicatest.Store, error) {
	// A client does not see where messages are kept: in memory the suite takes half as long.
	f, err := newService(s, replicas, jetstream.MemoryStorage, cfg)
	if err != nil {
		return replicatest.Store{}, err
	}
	var clients []*nats.ReplicaClient
	open := func(change func(*nats.Config)) ltxstore.ReplicaClient {
		c := f.client(change)
		clients = append(clients, c)
		return c
	}
	opens := func(change func(*nats.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return open(change), nil }
	}
	return replicatest.Store{
		Client:  open(nil),
		Another: opens(nil),
		Once:    opens(func(cfg *nats.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *nats.Config) { cfg.Path += suffix }), nil
		},
		Parent:  opens(func(cfg *nats.Config) { cfg.Path = "backups" }),
		Missing: opens(func(cfg *nats.Config) { cfg.Bucket = "no-such-bucket" }),
		Raw:     f.raw(),
		Faults:  f.faults(),
		Close: func() error {
			for _, c := range clients {
				c.Close()
			}
			return f.end()
		},
	}, nil
}

func (f *service) keys() backend.Keys {
	keys, err := backend.NewKeys(f.cfg.Layout, "")
	if err != nil {
		panic(err)
	}
	return keys
}

func (f *service) raw() *replicatest.Raw {
	const prefix = testPath + "/"
	return &replicatest.Raw{
		Keys: f.keys(),
		Put: func(ctx context.Context, key string, body []byte) error {
			_, err := f.store.PutBytes(ctx, prefix+key, body)
			return err
		},
		List: func(ctx context.Context) (keys []string, err error) {
			stream, err := f.js.Stream(ctx, "OBJ_"+f.bucket)
			if err != nil {
				return nil, err
			}
			info, err := stream.Info(ctx, jetstream.WithSubjectFilter("$O."+f.bucket+".C.>"))
			if err != nil {
				return nil, err
			}
			chunks := info.State.Subjects
			objects, err := f.store.List(ctx)
			if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
				return nil, err
			}
			for _, o := range objects {
				if key, ok := strings.CutPrefix(o.Name, prefix); ok {
					keys = append(keys, key)
				}
				delete(chunks, "$O."+f.bucket+".C."+o.NUID)
			}
			for subject := range chunks {
				keys = append(keys, "upload:"+subject)
			}
			return keys, nil
		},
		Strip: func(ctx context.Context, key string) error {
			return f.store.UpdateMeta(ctx, prefix+key, jetstream.ObjectMeta{Name: prefix + key})
		},
		Leave: func(ctx context.Context) error {
			return f.leave(ctx, "abandoned", prefix+f.keys().File(0, 7, 7), time.Now().Add(-2*time.Hour))
		},
	}
}

// leave leaves a chunk of a write that was killed.
func (f *service) leave(ctx context.Context, nuid, key string, sent time.Time) error {
	m := natsio.NewMsg("$O." + f.bucket + ".C." + nuid)
	m.Header.Set("Ltxstore-Offset", "0")
	m.Header.Set("Ltxstore-Object", key)
	m.Header.Set("Ltxstore-Sent", sent.UTC().Format(time.RFC3339))
	m.Data = []byte("LTX1")
	_, err := f.js.PublishMsg(ctx, m)
	return err
}

const refusal = `{"error":{"code":400,"err_code":10999,"description":"injected failure"}}`

// isListing reports whether a request is one for descriptions of any name.
func isListing(payload []byte) bool { return bytes.Contains(payload, []byte(`.M.\u003e`)) }

func (f *service) faults() *replicatest.Faults {
	answer := func(do func(subject string, payload []byte) (headers, body string, ok bool)) {
		f.set(func() { f.answer = do })
	}
	return &replicatest.Faults{
		Lookups: func() {
			answer(func(subject string, payload []byte) (string, string, bool) {
				switch {
				case strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET.") && !isListing(payload):
					return "", refusal, true
				case strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") && !isListing(payload):
					return "NATS/1.0 500 injected failure", "", true
				}
				return "", "", false
			})
		},
		Lists: func() {
			answer(func(_ string, payload []byte) (string, string, bool) {
				return "", refusal, isListing(payload)
			})
		},
		Cut:         func(n int64) { f.set(func() { f.cut = n }) },
		Stall:       func(n int64) { f.set(func() { f.stall = n }) },
		Unreachable: func() { f.set(func() { f.down = true }) },
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			answer(func(subject string, payload []byte) (string, string, bool) {
				_, token, ok := strings.Cut(string(payload), `"filter":"$O.`+f.bucket+".M.")
				if !ok || !strings.HasPrefix(subject, "$JS.API.STREAM.PURGE.") {
					return "", "", false
				}
				token, _, _ = strings.Cut(token, `"`)
				name, _ := base64.URLEncoding.DecodeString(token)
				level, minTXID, maxTXID, ok := f.keys().Parse(strings.TrimPrefix(string(name), testPath+"/"))
				return "", refusal, ok && match(level, minTXID, maxTXID)
			})
		},
	}
}
