package gcs

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

func openIdle() ltxstore.ReplicaClient {
	return NewReplicaClient(Config{Bucket: "bucket", Path: "db", Anonymous: true})
}

// BenchmarkIdleClients is what a client costs that waits for work, of ten thousand of
// one bucket: memory and goroutines.
func BenchmarkIdleClients(b *testing.B) { idle.Benchmark(b, openIdle) }

// A client that waits for work holds at most 4 KiB, and no goroutine, and has sent nothing.
func TestIdleClients(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector has memory of its own")
	}
	bytes, goroutines := idle.Measure(t, 1000, openIdle)
	assert.LessOrEqual(t, bytes, 4096.0)
	assert.Less(t, goroutines, 0.01)
}
