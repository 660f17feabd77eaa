// Package mockstore makes replicas in memory with package mock, for the
// conformance suite.
package mockstore

import (
	"context"
	"errors"
	"path"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// New returns a replica in a new store, with clients of a Config that do not
// log. Path must have a parent.
func New(cfg mock.Config) replicatest.Store {
	cfg.Store = mock.NewStore()
	open := func(cfg mock.Config) *mock.ReplicaClient {
		c := mock.NewReplicaClient(cfg)
		c.SetLogger(nil)
		return c
	}
	further := func(change func(*mock.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := cfg
			change(&cfg)
			return open(cfg), nil
		}
	}
	client := open(cfg)
	return replicatest.Store{
		Client:  client,
		Another: further(func(*mock.Config) {}),
		Once:    further(func(cfg *mock.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return further(func(cfg *mock.Config) { cfg.Path += suffix })()
		},
		Parent: further(func(cfg *mock.Config) { cfg.Path = path.Dir(cfg.Path) }),
		Missing: func() (ltxstore.ReplicaClient, error) {
			missing := open(cfg)
			return missing, missing.Inject(mock.Fault{Op: mock.OpInit, Times: -1, Err: ltxstore.ErrStoreNotFound})
		},
		Requests: cfg.Store.Requests,
		Raw:      Raw(cfg),
		Faults:   Faults(client, cfg.PageSize),
	}
}

// Raw returns access to the store of a Config.
func Raw(cfg mock.Config) *replicatest.Raw {
	keys, err := backend.NewKeys(cfg.Layout, "")
	if err != nil {
		panic(err)
	}
	prefix := cfg.Path + "/"
	return &replicatest.Raw{
		Keys: keys,
		Put: func(_ context.Context, key string, body []byte) error {
			cfg.Store.Put(prefix+key, mock.Object{Body: body})
			return nil
		},
		List: func(context.Context) ([]string, error) {
			return fakestore.Names(prefix, cfg.Store.Keys(), cfg.Store.Leftovers()), nil
		},
		Leave: func(context.Context) error {
			cfg.Store.AddLeftover(prefix + keys.File(0, 3, 3))
			return nil
		},
		Strip: func(_ context.Context, key string) error {
			o, ok := cfg.Store.Get(prefix + key)
			if !ok {
				return errors.New("no such object")
			}
			cfg.Store.Put(prefix+key, mock.Object{Body: o.Body})
			return nil
		},
	}
}

// ErrBroken is the error of every fault of Faults.
var ErrBroken = errors.New("the store is told to fail")

// Faults returns the faults of a client with a given page size. There are none
// that break transfers, because the client has no connection.
func Faults(client *mock.ReplicaClient, pageSize int) *replicatest.Faults {
	inject := func(faults ...mock.Fault) {
		for i := range faults {
			if faults[i].Times = -1; faults[i].Delay == 0 {
				faults[i].Err = ErrBroken
			}
		}
		if err := client.Inject(faults...); err != nil {
			panic(err)
		}
	}
	return &replicatest.Faults{
		Lookups: func() { inject(mock.Fault{Op: mock.OpMetadata}, mock.Fault{Op: mock.OpOpen}) },
		Lists:   func() { inject(mock.Fault{Op: mock.OpNext, After: int64(pageSize)}) },
		Stall:   func(n int64) { inject(mock.Fault{Op: mock.OpRead, After: n, Delay: time.Hour}) },
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			inject(mock.Fault{Op: mock.OpDelete, Match: match})
		},
		Unreachable: func() {
			inject(mock.Fault{Op: mock.OpList}, mock.Fault{Op: mock.OpOpen}, mock.Fault{Op: mock.OpWrite},
				mock.Fault{Op: mock.OpDelete}, mock.Fault{Op: mock.OpDeleteAll})
		},
	}
}
