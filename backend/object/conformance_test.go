package object_test

import (
	"context"
	"hash"
	"hash/crc32"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	testPath = "backups/db"
	partSize = 64 << 10
)

// TestConformance holds the client to the contract over buckets of different
// abilities.
func TestConformance(t *testing.T) {
	sums := func() hash.Hash { return crc32.NewIEEE() }
	parts := func(m *memory) object.Bucket { return parted{m} }
	for _, test := range []struct {
		name   string
		traits object.Traits
		bucket func(*memory) object.Bucket
		set    func(*memory)
		read   int
		lacks  []replicatest.Capability
	}{
		{name: "parts", traits: object.Traits{DeleteBatch: 10}, bucket: parts},
		{name: "parts, sums, metadata listed", traits: object.Traits{NewHash: sums, ListsMetadata: true}, bucket: parts, read: 3},
		{name: "stream", traits: object.Traits{NewHash: sums, ListsMetadata: true}, bucket: func(m *memory) object.Bucket { return streamed{m} }},
		{name: "stream, no sums", bucket: func(m *memory) object.Bucket { return streamed{m} }},
		{name: "unsorted", traits: object.Traits{Unsorted: true, NoStartAt: true, EqualParts: true}, bucket: parts, lacks: []replicatest.Capability{replicatest.FewRequests}},
		{name: "anonymous answers", bucket: parts, set: func(m *memory) { m.anonymous = true }},
		{name: "no ranges, no batches", traits: object.Traits{DeleteBatch: 10}, bucket: parts, set: func(m *memory) { m.unranged, m.noBatch = true, true }, read: 3,
			lacks: []replicatest.Capability{replicatest.BrokenTransfers}},
	} {
		t.Run(test.name, func(t *testing.T) {
			lacks := []replicatest.Capability{replicatest.BoundedMemory, replicatest.Secrets}
			lacks = append(lacks, test.lacks...)
			if _, ok := test.bucket(newMemory(test.traits)).(object.Multipart); !ok {
				lacks = append(lacks, replicatest.Leftovers)
			}
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					m := newMemory(test.traits)
					if test.set != nil {
						test.set(m)
					}
					return newStore(m, test.bucket(m), test.read)
				},
				// What is read in parts does not survive being replaced meanwhile, and an
				// answer without the object does not tell a damaged one from another writer's.
				Select: func(c replicatest.Case) bool {
					return test.read == 0 && test.name != "anonymous answers" || c.ID != "rewrite/many-writers"
				},
				Lacks: lacks, PageSize: 16, BodySize: 3 * partSize / 2, LargeSize: 16 * partSize, Prompt: 5 * time.Second,
			})
		})
	}
}

func newStore(m *memory, bucket object.Bucket, read int) (replicatest.Store, error) {
	client := func(path string, once bool) (ltxstore.ReplicaClient, error) {
		keys, err := backend.NewKeys(ltxstore.LayoutDefault, path)
		if err != nil {
			return nil, err
		}
		return object.New(object.Config{Type: "memory", Connect: func(context.Context, *oplog.Logger) (*object.Store, error) {
			return &object.Store{Bucket: bucket, Traits: m.traits, Keys: keys, WriteOnce: once, ReadPool: rangeio.NewPool(int64(read)*partSize, read),
				Options: object.Options{UploadThreshold: partSize, PartSize: partSize, Concurrency: 3, MetadataConcurrency: 4, DeleteConcurrency: 4}}, nil
		}, Retry: ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Microsecond}, Logger: slog.New(slog.DiscardHandler)}), nil
	}
	first, err := client(testPath, false)
	if err != nil {
		return replicatest.Store{}, err
	}
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	if err != nil {
		return replicatest.Store{}, err
	}
	store := replicatest.Store{
		Client:   first,
		Another:  func() (ltxstore.ReplicaClient, error) { return client(testPath, false) },
		Once:     func() (ltxstore.ReplicaClient, error) { return client(testPath, true) },
		Sibling:  func(suffix string) (ltxstore.ReplicaClient, error) { return client(testPath+suffix, false) },
		Parent:   func() (ltxstore.ReplicaClient, error) { return client("backups", false) },
		Requests: func() int64 { m.mu.Lock(); defer m.mu.Unlock(); return m.requests },
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				m.mu.Lock()
				defer m.mu.Unlock()
				_, err := m.store(testPath+"/"+key, body, nil, false)
				return err
			},
			List: func(context.Context) ([]string, error) { return m.names(testPath + "/"), nil },
			Strip: func(_ context.Context, key string) error {
				m.mu.Lock()
				defer m.mu.Unlock()
				o := m.objects[testPath+"/"+key]
				delete(o.Metadata, ltxio.TimestampKey)
				m.objects[testPath+"/"+key] = o
				return nil
			},
		},
		Missing: func() (ltxstore.ReplicaClient, error) {
			other := newMemory(m.traits)
			other.missing = true
			store, err := newStore(other, parted{other}, read)
			return store.Client, err
		},
		Faults: &replicatest.Faults{
			Lookups:     func() { m.set(func(f *faults) { f.lookups = true }) },
			Lists:       func() { m.set(func(f *faults) { f.lists = true }) },
			Cut:         func(n int64) { m.set(func(f *faults) { f.cut = n }) },
			Stall:       func(n int64) { m.set(func(f *faults) { f.stall = n }) },
			Unreachable: func() { m.set(func(f *faults) { f.down = true }) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				m.set(func(f *faults) {
					f.deletes = func(key string) bool {
						level, minTXID, maxTXID, ok := keys.Parse(strings.TrimPrefix(key, testPath+"/"))
						return ok && match(level, minTXID, maxTXID)
					}
				})
			},
		},
		Close: func() error { return nil },
	}
	if m.unranged {
		store.Faults.Cut = nil // what is skipped again each time is cut again
	}
	if p, ok := bucket.(parted); ok {
		store.Raw.Leave = func(ctx context.Context) error {
			_, err := p.CreateUpload(ctx, testPath+"/"+keys.File(0, 99, 99), object.PutOptions{})
			return err
		}
	}
	return store, nil
}
