package sftp

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
)

func openIdle() ltxstore.ReplicaClient {
	return NewReplicaClient(Config{Host: "127.0.0.1:1", Path: "db", User: "user", Password: "secret", InsecureIgnoreHostKey: true})
}

// BenchmarkIdleClients is what a client costs that waits for work, of ten thousand:
// memory and goroutines.
func BenchmarkIdleClients(b *testing.B) { idle.Benchmark(b, openIdle) }

// A client that waits for work, and has not connected yet, holds at most 4 KiB, and no
// goroutine.
func TestIdleClients(t *testing.T) { idle.Check(t, openIdle) }
