package wraptest

import (
	"context"
	"errors"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func mockStore() (replicatest.Store, error) {
	bucket := mock.NewStore()
	open := func(change func(*mock.Config)) *mock.ReplicaClient {
		cfg := mock.Config{Store: bucket, Path: replicaPath, PageSize: pageSize}
		change(&cfg)
		client := mock.NewReplicaClient(cfg)
		client.SetLogger(nil)
		return client
	}
	further := func(change func(*mock.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return open(change), nil }
	}
	client := open(func(*mock.Config) {})
	broken := errors.New("mock is told to fail")
	inject := func(faults ...mock.Fault) {
		for i := range faults {
			if faults[i].Times = -1; faults[i].Delay == 0 {
				faults[i].Err = broken
			}
		}
		if err := client.Inject(faults...); err != nil {
			panic(err)
		}
	}
	const prefix = replicaPath + "/"
	return replicatest.Store{
		Client:  client,
		Another: further(func(*mock.Config) {}),
		Once:    further(func(cfg *mock.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return further(func(cfg *mock.Config) { cfg.Path += suffix })()
		},
		Parent:   further(func(cfg *mock.Config) { cfg.Path = "backups" }),
		Requests: bucket.Requests,
		Missing: func() (ltxstore.ReplicaClient, error) {
			missing := open(func(*mock.Config) {})
			return missing, missing.Inject(mock.Fault{Op: mock.OpInit, Times: -1, Err: ltxstore.ErrStoreNotFound})
		},
		Raw: &replicatest.Raw{
			Keys: layoutKeys(),
			Put: func(_ context.Context, key string, body []byte) error {
				bucket.Put(prefix+key, mock.Object{Body: body})
				return nil
			},
			List: func(context.Context) ([]string, error) {
				return append(below(bucket.Keys(), prefix, ""), below(bucket.Leftovers(), prefix, "upload:")...), nil
			},
			Leave: func(context.Context) error {
				bucket.AddLeftover(prefix + layoutKeys().File(0, 1, 1))
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
		Faults: &replicatest.Faults{
			Lookups: func() { inject(mock.Fault{Op: mock.OpMetadata}, mock.Fault{Op: mock.OpOpen}) },
			Lists:   func() { inject(mock.Fault{Op: mock.OpNext, After: pageSize}) },
			Stall:   func(n int64) { inject(mock.Fault{Op: mock.OpRead, After: n, Delay: time.Hour}) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				inject(mock.Fault{Op: mock.OpDelete, Match: match})
			},
			Unreachable: func() {
				inject(mock.Fault{Op: mock.OpList}, mock.Fault{Op: mock.OpOpen}, mock.Fault{Op: mock.OpWrite},
					mock.Fault{Op: mock.OpDelete}, mock.Fault{Op: mock.OpDeleteAll})
			},
		},
	}, nil
}
