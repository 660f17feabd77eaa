package thirdparty

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	path     = "backups/db"
	pageSize = 100
)

// TestConformance holds the backend to the whole contract. Its store keeps
// nothing of an upload that was cut off, so there are no leftovers to find.
func TestConformance(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			s, err := newServer() // each case has an empty one
			if err != nil {
				return replicatest.Store{}, err
			}
			store := s.clients()
			store.Raw, store.Faults, store.Requests = s.raw(), s.breaks(), s.count
			return store, nil
		},
		Secrets:  []string{secret},
		Lacks:    []replicatest.Capability{replicatest.Leftovers},
		PageSize: pageSize, BodySize: 4 << 20,
	})
}

// TestClients is the least that a backend can offer its test: clients.
func TestClients(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			s, err := newServer() // each case has an empty one
			if err != nil {
				return replicatest.Store{}, err
			}
			return s.clients(), nil
		},
		Lacks:    replicatest.ClientsOnly(),
		PageSize: pageSize, BodySize: 4 << 20,
	})
}

// clients returns a store that offers every kind of client.
func (s *server) clients() replicatest.Store {
	open := func(cfg Config) ltxstore.ReplicaClient {
		cfg.Endpoint, cfg.Token, cfg.Retry = s.URL, secret, ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Microsecond}
		client := New(cfg)
		client.SetLogger(slog.New(slog.DiscardHandler))
		return client
	}
	opens := func(cfg Config) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return open(cfg), nil }
	}
	return replicatest.Store{
		Client:  open(Config{Bucket: "bucket", Path: path}),
		Another: opens(Config{Bucket: "bucket", Path: path}),
		Once:    opens(Config{Bucket: "bucket", Path: path, WriteOnce: true}),
		Parent:  opens(Config{Bucket: "bucket", Path: "backups"}),
		Missing: opens(Config{Bucket: "nowhere", Path: path}),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(Config{Bucket: "bucket", Path: path + suffix}), nil
		},
		Close: s.Close,
	}
}

func (s *server) count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func (s *server) raw() *replicatest.Raw {
	return &replicatest.Raw{
		Keys: relative(),
		Put: func(_ context.Context, key string, body []byte) error {
			_, err := s.store(path+"/"+key, strings.NewReader(string(body)), nil, false)
			return err
		},
		List: func(context.Context) (keys []string, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for key := range s.objects {
				if rest, ok := strings.CutPrefix(key, path+"/"); ok {
					keys = append(keys, rest)
				}
			}
			return keys, nil
		},
		Strip: func(_ context.Context, key string) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			o := s.objects[path+"/"+key]
			o.Metadata = nil
			s.objects[path+"/"+key] = o
			return nil
		},
	}
}

// relative names a replica's files relative to its path.
func relative() backend.Keys {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	if err != nil {
		panic(err)
	}
	return keys
}

func (s *server) breaks() *replicatest.Faults {
	return &replicatest.Faults{
		Lookups:     func() { s.set(func(f *faults) { f.lookups = true }) },
		Lists:       func() { s.set(func(f *faults) { f.lists = true }) },
		Cut:         func(n int64) { s.set(func(f *faults) { f.cut = n }) },
		Stall:       func(n int64) { s.set(func(f *faults) { f.stall = n }) },
		Unreachable: func() { s.set(func(f *faults) { f.down = true }) },
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			s.set(func(f *faults) {
				f.deletes = func(key string) bool {
					level, minTXID, maxTXID, ok := relative().Parse(strings.TrimPrefix(key, path+"/"))
					return ok && match(level, minTXID, maxTXID)
				}
			})
		},
	}
}
