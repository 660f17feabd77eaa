package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// stack is a way to wrap a client.
type stack struct {
	name string
	wrap func(ltxstore.ReplicaClient) ltxstore.ReplicaClient

	// store makes of a body what another program would have put there.
	store func(body []byte) ([]byte, error)

	// piece is how much is decoded at once: what the store must deliver before
	// the first byte comes out.
	piece   int64
	secrets []string

	both bool // both wrappers are in it

	// forgetful is wrap without a cache.
	forgetful func(ltxstore.ReplicaClient) ltxstore.ReplicaClient
}

func asItIs(body []byte) ([]byte, error) { return body, nil }

func stacks(t *testing.T) []stack {
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	keys := crypt.Config{Recipients: []string{identity.Recipient().String()}, Identities: []crypt.Identity{crypt.Identity(identity.String())}}
	byAge := func(body []byte) ([]byte, error) {
		var stored bytes.Buffer
		w, err := age.Encrypt(&stored, identity.Recipient())
		if err != nil {
			return nil, err
		}
		_, err = w.Write(body)
		err = errors.Join(err, w.Close())
		return stored.Bytes(), err
	}
	compressed := func(cache int64) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			return compress.New(next, compress.Config{CacheSize: cache})
		}
	}
	encrypted := func(cache int64) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			cfg := keys
			cfg.CacheSize, cfg.MixedHeaders = cache, cache > 0 // nothing else tells the size of age's own files
			return crypt.New(next, cfg)
		}
	}
	stacked := func(cache int64) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			return compressed(cache)(encrypted(cache)(next))
		}
	}
	secrets := []string{identity.String()}
	const nothing = 1 // byte
	return []stack{
		{name: "compress", store: asItIs, piece: 300 << 10, wrap: compressed(0), forgetful: compressed(nothing)},
		{name: "crypt", store: byAge, piece: 100 << 10, secrets: secrets, wrap: encrypted(0), forgetful: encrypted(nothing)},
		{name: "compress in crypt", store: byAge, piece: 400 << 10, secrets: secrets, both: true, wrap: stacked(0), forgetful: stacked(nothing)},
	}
}

// TestConformance runs the whole suite on each stack over memory, and on the
// stack of both over a disk and S3 too. There a wrapper alone is held to the cases
// about content, which a backend may treat in its own way: with all cases the
// test would take minutes under the race detector.
//
// FailingLookups is lacking because a client remembers what it has written, and
// looks nothing up: see TestNothingRemembered.
func TestConformance(t *testing.T) {
	for name, under := range grounds() {
		for _, s := range stacks(t) {
			t.Run(s.name+" over "+name, func(t *testing.T) {
				lacks := slices.Clone(under.lacks)
				if !slices.Contains(lacks, replicatest.FailingLookups) {
					lacks = append(lacks, replicatest.FailingLookups)
				}
				cases := func(replicatest.Case) bool { return true }
				if name != "mock" && !s.both {
					cases = some("write/large-memory", "write/no-leftovers", "rewrite/m", "once/", "time/", "open/")
				}
				run(t, under, s, lacks, cases)
			})
		}
	}
}

// Without a memory every listing looks at the files. A lookup that fails is an
// error then, and never another time.
func TestNothingRemembered(t *testing.T) {
	under := grounds()["mock"]
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			s.wrap = s.forgetful
			run(t, under, s, under.lacks, some("time/", "list/s", "open/ranges"))
		})
	}
}

func run(t *testing.T, under ground, s stack, lacks []replicatest.Capability, cases func(replicatest.Case) bool) {
	secrets := append([]string{s3Secret}, s.secrets...)
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			store, err := under.store()
			if err != nil {
				return store, err
			}
			wrapped := s.over(store)
			if slices.Contains(lacks, replicatest.FailingLookups) && wrapped.Faults != nil {
				wrapped.Faults.Lookups = nil
			}
			return wrapped, nil
		},
		Lacks:       lacks,
		PageSize:    pageSize,
		BodySize:    1 << 20,
		LargeSize:   under.large,
		MemoryLimit: 12 << 20,
		Prompt:      5 * time.Second,
		Secrets:     secrets,
		Select:      cases,
	})
}

// over returns the store as its wrapped clients show it.
func (s stack) over(store replicatest.Store) replicatest.Store {
	further := func(open func() (ltxstore.ReplicaClient, error)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			client, err := open()
			return s.wrap(client), err
		}
	}
	sibling := store.Sibling
	store.Client = s.wrap(store.Client)
	store.Another, store.Once = further(store.Another), further(store.Once)
	store.Parent, store.Missing = further(store.Parent), further(store.Missing)
	store.Sibling = func(suffix string) (ltxstore.ReplicaClient, error) {
		client, err := sibling(suffix)
		return s.wrap(client), err
	}
	raw := *store.Raw
	put := raw.Put
	raw.Put = func(ctx context.Context, key string, body []byte) error {
		if bytes.HasPrefix(body, []byte(ltx.Magic)) {
			var err error
			if body, err = s.store(body); err != nil {
				return err
			}
		}
		return put(ctx, key, body)
	}
	store.Raw = &raw
	if store.Faults != nil {
		faults := *store.Faults
		if stall := faults.Stall; stall != nil {
			faults.Stall = func(n int64) { stall(n + s.piece) }
		}
		store.Faults = &faults
	}
	return store
}

func some(prefixes ...string) func(replicatest.Case) bool {
	return func(c replicatest.Case) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(c.ID, prefix) })
	}
}
