// Package wraptest holds a wrapper to the whole contract, over any backend. It is
// for tests only.
package wraptest

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	replicaPath = "backups/db"
	pageSize    = 16
	secret      = "correct-horse-battery-staple"
)

// Ground is a backend under a wrapper.
type Ground struct {
	Name string

	// New makes an empty replica with all that the suite can do to it.
	New func() (replicatest.Store, error)

	// Lacks is what New does not offer, and LargeSize how long the suite's
	// large file is, in bytes.
	Lacks     []replicatest.Capability
	LargeSize int64
}

// Mock is memory: everything but a wire that breaks.
func Mock() Ground {
	open := func() (replicatest.Store, error) {
		return mockstore.New(mock.Config{Path: replicaPath, PageSize: pageSize}), nil
	}
	return Ground{"mock", open, []replicatest.Capability{replicatest.BoundedMemory, replicatest.BrokenTransfers}, 4 << 20}
}

// File is a disk, with fsync. What needs the seams of the backend's own tests is
// lacking.
func File() Ground {
	return Ground{"file", fileStore, []replicatest.Capability{
		replicatest.FailingLookups, replicatest.FailingLists, replicatest.BrokenTransfers,
		replicatest.StalledTransfers, replicatest.Outages, replicatest.CountedRequests,
		replicatest.FailingDeletes, replicatest.Leftovers,
	}, 24 << 20}
}

// S3 is a strict server in this process, with everything but memory of its own.
func S3() Ground { return s3Ground("s3", 3) }

// S3Once is S3 by a client that tries each request once.
func S3Once() Ground { return s3Ground("s3 without retries", 1) }

func s3Ground(name string, attempts int) Ground {
	return Ground{name, func() (replicatest.Store, error) { return s3Store(attempts) }, []replicatest.Capability{replicatest.BoundedMemory}, 6 << 20}
}

func layoutKeys() backend.Keys {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	if err != nil {
		panic(err)
	}
	return keys
}
