package mock_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// TestConformance is the claim of the package: with nothing scripted, the
// client keeps the contract. The suite's own faults are scripted ones.
func TestConformance(t *testing.T) {
	// No transfer runs below the client that it could resume: an injected
	// error is what a client reports when it has given up.
	lacks := []replicatest.Capability{replicatest.BoundedMemory, replicatest.Secrets, replicatest.BrokenTransfers}
	once := append([]replicatest.Capability{replicatest.Rewriting}, lacks...)
	// The default is held to every case, each variation to those in which it
	// may matter: a whole run takes seconds.
	all := func(replicatest.Case) bool { return true }
	some := func(prefixes ...string) func(replicatest.Case) bool {
		return func(c replicatest.Case) bool {
			return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(c.ID, prefix) })
		}
	}
	for _, test := range []struct {
		name  string
		cfg   mock.Config
		lacks []replicatest.Capability
		cases func(replicatest.Case) bool
	}{
		{"default", mock.Config{PageSize: 100}, lacks, all},
		{"litestream-s3", mock.Config{PageSize: 2, Layout: ltxstore.LayoutLitestreamS3}, lacks, some("list/", "delete", "time/", "open/range")},
		{"write once", mock.Config{PageSize: 10, WriteOnce: true}, once, some("once/", "write/l", "write/r", "delete/", "all/")},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cfg.Path = "backups/db"
			replicatest.Run(t, replicatest.Config{
				New:       func(context.Context) (replicatest.Store, error) { return conformanceStore(test.cfg) },
				Lacks:     test.lacks,
				PageSize:  test.cfg.PageSize,
				BodySize:  1 << 20,
				LargeSize: 4 << 20,
				Select:    test.cases,
			})
		})
	}

	t.Run("zero value", func(t *testing.T) {
		replicatest.Run(t, replicatest.Config{
			New: func(context.Context) (replicatest.Store, error) {
				client := &mock.ReplicaClient{}
				client.SetLogger(nil)
				return replicatest.Store{Client: client}, nil
			},
			Lacks: append([]replicatest.Capability{
				replicatest.Clients, replicatest.WriteOnce, replicatest.Siblings, replicatest.Parents,
				replicatest.MissingStore, replicatest.RawAccess, replicatest.Stripping,
				replicatest.FailingLookups, replicatest.FailingLists,
				replicatest.FailingDeletes, replicatest.Outages, replicatest.CountedRequests,
				replicatest.Leftovers, replicatest.StalledTransfers}, lacks...),
			BodySize:  256 << 10,
			LargeSize: 1 << 20,
			PageSize:  10,
			Select:    some("write/exact", "open/", "list/", "delete"),
		})
	})
}

func conformanceStore(cfg mock.Config) (replicatest.Store, error) {
	bucket := mock.NewStore()
	open := func(change func(*mock.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return clientOf(bucket, cfg, change), nil }
	}
	client := clientOf(bucket, cfg, func(*mock.Config) {})
	keys, err := backend.NewKeys(cfg.Layout, "")
	if err != nil {
		return replicatest.Store{}, err
	}
	prefix := cfg.Path + "/"
	return replicatest.Store{
		Client:  client,
		Another: open(func(*mock.Config) {}),
		Once:    open(func(cfg *mock.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *mock.Config) { cfg.Path += suffix })()
		},
		Requests: bucket.Requests,
		Parent:   open(func(cfg *mock.Config) { cfg.Path = "backups" }),
		Missing: func() (ltxstore.ReplicaClient, error) {
			missing := clientOf(bucket, cfg, func(*mock.Config) {})
			return missing, missing.Inject(mock.Fault{Op: mock.OpInit, Times: -1, Err: ltxstore.ErrStoreNotFound})
		},
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				bucket.Put(prefix+key, mock.Object{Body: body})
				return nil
			},
			List: func(context.Context) ([]string, error) {
				var names []string
				for _, key := range bucket.Keys() {
					if name, ok := strings.CutPrefix(key, prefix); ok {
						names = append(names, name)
					}
				}
				for _, key := range bucket.Leftovers() {
					if name, ok := strings.CutPrefix(key, prefix); ok {
						names = append(names, "upload:"+name)
					}
				}
				return names, nil
			},
			Leave: func(context.Context) error {
				bucket.AddLeftover(prefix + keys.File(0, 1, 1))
				return nil
			},
			Strip: func(_ context.Context, key string) error {
				o, ok := bucket.Get(prefix + key)
				if !ok {
					return errors.New("no such object")
				}
				bucket.Put(prefix+key, mock.Object{Body: o.Body})
				return nil
			},
		},
		Faults: conformanceFaults(client, cfg.PageSize),
	}, nil
}

func conformanceFaults(client *mock.ReplicaClient, pageSize int) *replicatest.Faults {
	broken := errors.New("mock is told to fail")
	inject := func(faults ...mock.Fault) {
		for i := range faults {
			faults[i].Times = -1
			faults[i].Err = broken
		}
		if err := client.Inject(faults...); err != nil {
			panic(err)
		}
	}
	return &replicatest.Faults{
		Lookups: func() { inject(mock.Fault{Op: mock.OpMetadata}, mock.Fault{Op: mock.OpOpen}) },
		Lists:   func() { inject(mock.Fault{Op: mock.OpNext, After: int64(pageSize)}) },
		Stall: func(n int64) {
			if err := client.Inject(mock.Fault{Op: mock.OpRead, After: n, Times: -1, Delay: time.Hour}); err != nil {
				panic(err)
			}
		},
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			inject(mock.Fault{Op: mock.OpDelete, Match: match})
		},
		Unreachable: func() {
			inject(mock.Fault{Op: mock.OpList}, mock.Fault{Op: mock.OpOpen}, mock.Fault{Op: mock.OpWrite},
				mock.Fault{Op: mock.OpDelete}, mock.Fault{Op: mock.OpDeleteAll})
		},
	}
}

func clientOf(bucket *mock.Store, cfg mock.Config, change func(*mock.Config)) *mock.ReplicaClient {
	cfg.Store = bucket
	change(&cfg)
	client := mock.NewReplicaClient(cfg)
	client.SetLogger(nil)
	return client
}
