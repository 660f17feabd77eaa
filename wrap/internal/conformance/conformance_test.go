// Package conformance_test holds the wrappers that change what is stored to the
// whole contract, over every backend, alone and stacked.
package conformance_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/throttle"
)

// stack is a way to wrap a client.
type stack struct {
	name string
	wrap func(ltxstore.ReplicaClient) ltxstore.ReplicaClient

	// asItIs says that what another program puts there may be an LTX file as it is.
	asItIs bool

	// piece is how much is decoded at once: what the store must deliver before
	// the first byte comes out.
	piece   int64
	secrets []string

	// forgetful is wrap without a cache.
	forgetful func(ltxstore.ReplicaClient) ltxstore.ReplicaClient
}

func stacks(t *testing.T) []stack {
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	keys := crypt.Config{Recipients: []string{identity.Recipient().String()}, Identities: []crypt.Identity{crypt.Identity(identity.String())}}
	compressed := func(cache int64) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			return compress.New(next, compress.Config{CacheSize: cache})
		}
	}
	encrypted := func(cache int64) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			cfg := keys
			cfg.CacheSize = cache
			return crypt.New(next, cfg)
		}
	}
	throttled := func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { // hardly ever
		return throttle.New(next, throttle.Config{Limits: throttle.Limits{Upload: new(int64(4 << 30)), Download: new(int64(4 << 30))}})
	}
	stacked := func(cache int64) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			return compressed(cache)(encrypted(cache)(throttled(next)))
		}
	}
	secrets := []string{identity.String()}
	const nothing = 1 // byte
	return []stack{
		{name: "compress", asItIs: true, piece: 300 << 10, wrap: compressed(0), forgetful: compressed(nothing)},
		{name: "crypt", piece: 100 << 10, secrets: secrets, wrap: encrypted(0), forgetful: encrypted(nothing)},
		{name: "compress in crypt in throttle", piece: 400 << 10, secrets: secrets, wrap: stacked(0), forgetful: stacked(nothing)},
	}
}

// TestConformance runs the suite on each stack, over every backend.
//
// FailingLookups is lacking because a client remembers what it has written, and
// looks nothing up: see TestNothingRemembered.
func TestConformance(t *testing.T) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			suite := s.suite(s.wrap)
			suite.Lacks = []replicatest.Capability{replicatest.FailingLookups}
			if strings.Contains(s.name, "compress") {
				suite.Varies = map[string]string{"list/costs": "where a listing has other times than a write returns (S3), the sizes of files are read once"}
			}
			if alone := !strings.Contains(s.name, " in "); alone && !wraptest.Whole {
				suite.On = []wraptest.Ground{wraptest.Mock()}
			}
			adapt := suite.Adapt
			suite.Adapt = func(store *replicatest.Store) {
				if adapt(store); store.Faults != nil {
					store.Faults.Lookups = nil
				}
			}
			wraptest.Run(t, suite)
		})
	}
}

// Without a memory every listing looks at the files. A lookup that fails is an
// error then, and never another time.
func TestNothingRemembered(t *testing.T) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			suite := s.suite(s.forgetful)
			suite.On, suite.Only = []wraptest.Ground{wraptest.Mock()}, []string{"time/", "list/s", "open/ranges"}
			wraptest.Run(t, suite)
		})
	}
}

// suite holds the stack to the contract. What others put into the store is in the
// stack's form there, and a transfer stalls in what a piece of it is
// made of.
func (s stack) suite(wrap func(ltxstore.ReplicaClient) ltxstore.ReplicaClient) wraptest.Suite {
	return wraptest.Suite{Wrap: wrap, Secrets: s.secrets, Adapt: func(store *replicatest.Store) {
		raw := *store.Raw
		put := raw.Put
		raw.Put = func(ctx context.Context, key string, body []byte) error {
			level, minTXID, maxTXID, ok := raw.Keys.Parse(key)
			if !ok || !bytes.HasPrefix(body, []byte(ltx.Magic)) || s.asItIs {
				return put(ctx, key, body)
			}
			bucket := mock.NewStore()
			other := mock.NewReplicaClient(mock.Config{Store: bucket})
			other.SetLogger(nil)
			if _, err := s.wrap(other).WriteLTXFile(ctx, level, minTXID, maxTXID, bytes.NewReader(body)); err != nil {
				return err
			}
			stored, _ := bucket.Get(bucket.Keys()[0])
			return put(ctx, key, stored.Body)
		}
		store.Raw = &raw
		if store.Faults == nil {
			return
		}
		faults := *store.Faults
		if stall := faults.Stall; stall != nil {
			faults.Stall = func(n int64) { stall(n + s.piece) }
		}
		store.Faults = &faults
	}}
}
