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

// Check fails if one of a thousand clients has more than Limit bytes, or a
// goroutine.
func Check(t *testing.T, open func() ltxstore.ReplicaClient) {
	t.Helper()
	if race.Enabled {
		t.Skip("the race detector has memory of its own")
	}
	bytes, goroutines := Measure(t, 1000, open)
	t.Logf("%.0f bytes, %.2f goroutines", bytes, goroutines)
	if bytes > Limit {
		t.Errorf("a client holds %.0f bytes: want at most %d", bytes, Limit)
	}
	if goroutines > 0.01 {
		t.Errorf("a client has %.2f goroutines: want none", goroutines)
	}
}

// Measure opens n clients of one bucket, and returns the bytes of memory and the goroutines of
// each.
func Measure(t testing.TB, n int, open func() ltxstore.ReplicaClient) (bytes, goroutines float64) {
	t.Helper()
	clients := make([]ltxstore.ReplicaClient, n) // not part of what is measured
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	running := runtime.NumGoroutine()
	for i := range clients {
		clients[i] = open()
		if err := ltxstore.Init(t.Context(), clients[i]); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
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

// Benchmark reports the cost of each of ten thousand clients of one bucket.
func Benchmark(b *testing.B, open func() ltxstore.ReplicaClient) {
	for b.Loop() {
		bytes, goroutines := Measure(b, 10_000, open)
		b.ReportMetric(bytes, "B/client")
		b.ReportMetric(goroutines, "goroutines/client")
	}
}
