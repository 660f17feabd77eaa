package ltxstore_test

import (
	"context"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// newMyClient stands for a third party's client of a bucket.
func newMyClient(bucket *mock.Store) ltxstore.ReplicaClient {
	client := mock.NewReplicaClient(mock.Config{Store: bucket, Path: "db", PageSize: 10})
	client.SetLogger(nil)
	return client
}

func TestMyBackend(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			bucket := mock.NewStore() // each case has an empty one
			return replicatest.Store{
				Client:  newMyClient(bucket),
				Another: func() (ltxstore.ReplicaClient, error) { return newMyClient(bucket), nil },
			}, nil
		},
		PageSize: 10, BodySize: 1 << 20, LargeSize: 8 << 20,
		Lacks: append(replicatest.ClientsOnly(), // each client that is offered proves more
			replicatest.WriteOnce, replicatest.Siblings, replicatest.Parents, replicatest.MissingStore,
			replicatest.BoundedMemory), // a store in this process's memory
	})
}
