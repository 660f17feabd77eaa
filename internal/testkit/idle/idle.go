// Package idle measures the cost of idle clients.
package idle

import (
	"runtime"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// Limit is the maximum number of bytes of memory of an idle client.
const Limit = 4096

// Check fails if one of two thousand clients has more than Limit bytes, or a
// goroutine.
func Check(t *testing.T, open func() ltxstore.ReplicaClient) {
	t.Helper()
	if race.Enabled {
		t.Skip("the race detector has memory of its own")
	}
	bytes, goroutines := Measure(t, 2000, open)
	t.Logf("%.0f bytes, %.2f goroutines", bytes, goroutines)
	if bytes > Limit {
		t.Errorf("a client holds %.0f bytes: want at most %d", bytes, Limit)
	}
	if goroutines > 0.01 {
		t.Errorf("a client has %.2f goroutines: want none", goroutines)
	}
}

// Measure opens n clients of one bucket, and returns the bytes of memory and the goroutines of
// each. What a process has once is made by another client before them.
func Measure(t testing.TB, n int, open func() ltxstore.ReplicaClient) (bytes, goroutines float64) {
	t.Helper()
	connect := func() ltxstore.ReplicaClient {
		c := open()
		if err := ltxstore.Init(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	clients := make([]ltxstore.ReplicaClient, n+1) // not part of what is measured
	clients[n] = connect()
	var before, after runtime.MemStats
	collect()
	runtime.ReadMemStats(&before)
	running := runtime.NumGoroutine()
	for i := range n {
		clients[i] = connect()
	}
	collect()
	runtime.ReadMemStats(&after)
	bytes = (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(n)
	goroutines = float64(runtime.NumGoroutine()-running) / float64(n)
	for _, c := range clients {
		if err := ltxstore.Close(c); err != nil {
			t.Fatal(err)
		}
	}
	return bytes, goroutines
}

// collect frees what is not used, with what is in pools: a sync.Pool keeps it during the
// first collection.
func collect() {
	runtime.GC()
	runtime.GC()
}

// Benchmark reports the cost of each of ten thousand clients of one bucket.
func Benchmark(b *testing.B, open func() ltxstore.ReplicaClient) {
	for b.Loop() {
		bytes, goroutines := Measure(b, 10_000, open)
		b.ReportMetric(bytes, "B/client")
		b.ReportMetric(goroutines, "goroutines/client")
	}
}
