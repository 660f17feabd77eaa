package oss

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
)

func openIdle() ltxstore.ReplicaClient {
	return NewReplicaClient(Config{Bucket: "bucket", Path: "db", Region: "cn-test", AccessKeyID: "id", SecretAccessKey: testSecret})
}

// BenchmarkIdleClients is what a client costs that waits for work, of ten thousand of
// one bucket: memory and goroutines.
func BenchmarkIdleClients(b *testing.B) { idle.Benchmark(b, openIdle) }

// A client that waits for work holds at most 4 KiB, and no goroutine.
func TestIdleClients(t *testing.T) { idle.Check(t, openIdle) }
