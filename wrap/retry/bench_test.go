package retry_test

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/wrap/retry"
)

func BenchmarkRetry(b *testing.B) {
	wraptest.Bench(b, func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return retry.New(next, retry.Config{})
	})
}
