package throttle_test

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/wrap/throttle"
)

func TestConformance(t *testing.T) { wraptest.Run(t, wraptest.Suite{Wrap: wide}) }

// wide has limits that are counted and hardly ever reached.
func wide(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
	return throttle.New(next, throttle.Config{Limits: throttle.Limits{
		Upload: new(int64(4 << 30)), Download: new(int64(4 << 30)), Requests: new(1e6)}})
}

func BenchmarkThrottle(b *testing.B) { wraptest.Bench(b, wide) }
