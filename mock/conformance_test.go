package mock_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
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
				New:       func(context.Context) (replicatest.Store, error) { return mockstore.New(test.cfg), nil },
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
