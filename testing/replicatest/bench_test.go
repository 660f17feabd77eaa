package replicatest_test

import (
	"context"
	"testing"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func BenchmarkMock(b *testing.B) {
	replicatest.Bench(b, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			client := &mock.ReplicaClient{}
			client.SetLogger(nil)
			return replicatest.Store{Client: client}, nil
		},
		PageSize: 100,
	})
}
