package file

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
)

// BenchmarkIdleClients is what a client costs that waits for work, of ten thousand:
// memory and goroutines.
func BenchmarkIdleClients(b *testing.B) {
	root := b.TempDir()
	idle.Benchmark(b, func() ltxstore.ReplicaClient { return NewReplicaClient(Config{Path: root}) })
}

// A client that waits for work holds at most 4 KiB, and no goroutine.
func TestIdleClients(t *testing.T) {
	root := t.TempDir()
	idle.Check(t, func() ltxstore.ReplicaClient { return NewReplicaClient(Config{Path: root}) })
}
