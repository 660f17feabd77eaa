package tree

import (
	"context"
	"log/slog"
	"path"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// TestConformance holds the client to the contract over trees of different
// abilities.
func TestConformance(t *testing.T) {
	for _, test := range []struct {
		name  string
		set   func(*memory)
		lacks []replicatest.Capability
	}{
		{name: "links", set: func(*memory) {}},
		{name: "moves, terse answers", set: func(m *memory) { m.moves, m.unsized = true, true }},
		{name: "no versions", set: func(m *memory) { m.unpinned = true }, lacks: []replicatest.Capability{replicatest.BrokenTransfers}},
	} {
		t.Run(test.name, func(t *testing.T) {
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					m := newMemory()
					test.set(m)
					return newStore(m, test.lacks != nil)
				},
				// A level is listed in one request: no page can fail or be saved.
				Lacks: append(test.lacks, replicatest.PreciseTimes, replicatest.BoundedMemory, replicatest.Secrets, replicatest.FailingLists,
					replicatest.CountedRequests),
				PageSize: pageSize, BodySize: 2 * bufferSize, LargeSize: 4 << 20, Prompt: 5 * time.Second,
			})
		})
	}
}

func newClient(m *memory, change func(*Store)) *Client {
	return New(Config{Type: "memory", Connect: func(context.Context, *oplog.Logger) (*Store, error) {
		s := &Store{Tree: m, Traits: Traits{LinkMoves: m.moves}, Options: Options{MetadataConcurrency: 4, DeleteConcurrency: 4}}
		change(s)
		return s, nil
	}, Retry: ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Microsecond}, Logger: slog.New(slog.DiscardHandler)})
}

func newStore(m *memory, uncut bool) (replicatest.Store, error) {
	client := func(root string, change func(*Store)) (ltxstore.ReplicaClient, error) {
		other := *m
		other.root = root
		return newClient(&other, change), nil
	}
	same := func(*Store) {}
	first, err := client(m.root, same)
	var keys backend.Keys
	store := replicatest.Store{
		Client:  first,
		Another: func() (ltxstore.ReplicaClient, error) { return client(m.root, same) },
		Once:    func() (ltxstore.ReplicaClient, error) { return client(m.root, func(s *Store) { s.WriteOnce = true }) },
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return client(m.root+suffix, same) },
		Parent:  func() (ltxstore.ReplicaClient, error) { return client("backups", same) },
		Missing: func() (ltxstore.ReplicaClient, error) {
			return client("nowhere", func(s *Store) { s.MustExist = true })
		},
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(ctx context.Context, key string, body []byte) error {
				if err := m.MakeDir(ctx, path.Dir(key)); err != nil {
					return err
				}
				m.set(func(d *disk) { d.store(path.Join(m.root, key), body, time.Time{}) })
				return nil
			},
			List: func(context.Context) ([]string, error) { return m.names(), nil },
			Strip: func(_ context.Context, key string) error {
				m.set(func(d *disk) {
					n := d.nodes[path.Join(m.root, key)]
					n.at = time.Now()
					d.nodes[path.Join(m.root, key)] = n
				})
				return nil
			},
			Leave: func(ctx context.Context) error {
				if err := m.MakeDir(ctx, "ltx/0000"); err != nil {
					return err
				}
				m.set(func(d *disk) {
					d.store(path.Join(m.root, "ltx/0000", backend.TempName(ltx.FormatFilename(7, 7))), []byte("half"), time.Time{})
				})
				return nil
			},
		},
		Faults: &replicatest.Faults{
			Lookups:     func() { m.set(func(d *disk) { d.lookups = true }) },
			Cut:         func(n int64) { m.set(func(d *disk) { d.cut = n }) },
			Stall:       func(n int64) { m.set(func(d *disk) { d.stall = n }) },
			Unreachable: func() { m.set(func(d *disk) { d.down = true }) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				m.set(func(d *disk) {
					d.deletes = func(p string) bool {
						level, minTXID, maxTXID, ok := keys.Parse(p[len(m.root)+1:])
						return ok && match(level, minTXID, maxTXID)
					}
				})
			},
		},
		Close: func() error { return nil },
	}
	if uncut {
		store.Faults.Cut = nil
	}
	return store, err
}
