package mirror_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap"
	"github.com/ltxstore/ltxstore/wrap/cache"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

func TestConformance(t *testing.T) {
	asItIs := func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return next }
	varies := map[string]string{"rewrite/upload-removed": "a write that fails may leave the file in some replicas"}
	wraptest.Run(t, wraptest.Suite{Wrap: asItIs, Varies: varies, On: []wraptest.Ground{
		both("mock", wraptest.Mock(), wraptest.Mock(), mirror.PolicyAll),
		both("file and s3", wraptest.File(), wraptest.S3(), mirror.PolicyQuorum),
	}})
}

// Compressed, encrypted and kept on its way to two replicas.
func TestStack(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	keys := crypt.Config{Recipients: []string{identity.Recipient().String()}, Identities: []crypt.Identity{crypt.Identity(identity.String())}}
	wraptest.Run(t, wraptest.Suite{
		Wrap: func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
			return wrap.Chain(next, wrap.With(compress.New, compress.Config{}), wrap.With(crypt.New, keys), wrap.With(cache.New, cache.Config{}))
		},
		On:      []wraptest.Ground{both("mock", wraptest.Mock(), wraptest.Mock(), mirror.PolicyAll)},
		Only:    []string{"write/exact", "write/ltx", "write/no", "rewrite/r", "once/a", "list/p", "open/r", "delete"},
		Lacks:   []replicatest.Capability{replicatest.FailingLookups},
		Secrets: []string{identity.String()},
		Adapt: func(s *replicatest.Store) {
			if s.Faults != nil {
				s.Faults.Lookups = nil // nothing is looked up of what was written
			}
		},
	})
}

// both is a ground of two replicas, each of a ground of its own.
func both(name string, a, b wraptest.Ground, policy mirror.Policy) wraptest.Ground {
	ground := wraptest.Ground{Name: name, Lacks: a.Lacks, LargeSize: min(a.LargeSize, b.LargeSize)}
	for _, lacks := range b.Lacks {
		if !slices.Contains(ground.Lacks, lacks) {
			ground.Lacks = append(slices.Clone(ground.Lacks), lacks)
		}
	}
	ground.New = func() (replicatest.Store, error) {
		one, err := a.New()
		two, err2 := b.New()
		if err = errors.Join(err, err2); err != nil {
			return one, err
		}
		return pair(one, two, policy), nil
	}
	return ground
}

func pair(a, b replicatest.Store, policy mirror.Policy) replicatest.Store {
	type opener = func() (ltxstore.ReplicaClient, error)
	client := func(a, b opener) (ltxstore.ReplicaClient, error) {
		one, err := a()
		two, err2 := b()
		return mirror.New(one, mirror.Config{Others: []ltxstore.ReplicaClient{two}, Policy: policy}), errors.Join(err, err2)
	}
	open := func(a, b opener) opener { return func() (ltxstore.ReplicaClient, error) { return client(a, b) } }
	s := replicatest.Store{
		Client:  mirror.New(a.Client, mirror.Config{Others: []ltxstore.ReplicaClient{b.Client}, Policy: policy}),
		Another: open(a.Another, b.Another), Once: open(a.Once, b.Once), Parent: open(a.Parent, b.Parent), Missing: open(a.Missing, b.Missing),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return client(func() (ltxstore.ReplicaClient, error) { return a.Sibling(suffix) }, func() (ltxstore.ReplicaClient, error) { return b.Sibling(suffix) })
		},
		Raw: &replicatest.Raw{
			Keys: a.Raw.Keys,
			Put: func(ctx context.Context, key string, body []byte) error {
				return errors.Join(a.Raw.Put(ctx, key, body), b.Raw.Put(ctx, key, body))
			},
			List: func(ctx context.Context) ([]string, error) {
				one, err := a.Raw.List(ctx)
				two, err2 := b.Raw.List(ctx)
				all := slices.Sorted(slices.Values(append(one, two...)))
				return slices.Compact(all), errors.Join(err, err2)
			},
			Strip: func(ctx context.Context, key string) error {
				return errors.Join(a.Raw.Strip(ctx, key), b.Raw.Strip(ctx, key))
			},
		},
		Close: func() error {
			var err error
			for _, store := range []replicatest.Store{a, b} {
				if store.Close != nil {
					err = errors.Join(err, store.Close())
				}
			}
			return err
		},
	}
	if a.Raw.Leave != nil && b.Raw.Leave != nil {
		s.Raw.Leave = func(ctx context.Context) error { return errors.Join(a.Raw.Leave(ctx), b.Raw.Leave(ctx)) }
	}
	if a.Requests != nil && b.Requests != nil { // each is a bill of its own
		s.Requests = func() int64 { return max(a.Requests(), b.Requests()) }
	}
	if a.Faults != nil && b.Faults != nil {
		s.Faults = &replicatest.Faults{
			Lookups:     func() { a.Faults.Lookups(); b.Faults.Lookups() },
			Lists:       func() { a.Faults.Lists(); b.Faults.Lists() },
			Stall:       func(n int64) { a.Faults.Stall(n); b.Faults.Stall(n) },
			Unreachable: func() { a.Faults.Unreachable(); b.Faults.Unreachable() },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				a.Faults.Deletes(match)
				b.Faults.Deletes(match)
			},
		}
	}
	return s
}
