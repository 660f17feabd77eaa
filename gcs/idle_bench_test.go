package gcs

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkIdleClients is what a client costs that waits for work, of ten thousand of
// one bucket: memory and goroutines.
func BenchmarkIdleClients(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		goroutines := runtime.NumGoroutine()
		clients := make([]*ReplicaClient, n)
		for i := range clients {
			clients[i] = NewReplicaClient(Config{Bucket: "bucket", Path: "db", Anonymous: true})
			require.NoError(b, clients[i].Init(b.Context()))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/client")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/client")
		for _, c := range clients {
			require.NoError(b, c.Close())
		}
	}
}
