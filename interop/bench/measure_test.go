package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"syscall"
	"time"

	"github.com/ltxstore/ltxstore/internal/chart"
)

// contestant is one way to do a row's work. Before each turn, prepare (if not
// nil) makes what do works on; it is not measured.
type contestant struct {
	name        string
	prepare, do func(ctx context.Context) error
}

// result is what a contestant's work costs, by operation.
type result struct {
	Name           string
	Time, Min, Max time.Duration // the median of all rounds, and their spread
	CPU            time.Duration // of this process, the mean
	Requests       float64
	WireBytes      float64
	Allocs, Bytes  float64 // allocations, and what they take together
	Peak           uint64  // of the heap, above what was there before
}

// Rounds go on for patience, and there are fewest of them even if they take longer.
const (
	patience = 20 * time.Second
	fewest   = 3
)

// race lets the contestants work in turn, one after the other in each round,
// because a machine is not as fast now as it was a second ago. Each works
// repeat times in a turn. A round before the first, which opens connections,
// does not count, unless it takes so long that this is nothing.
func race(ctx context.Context, w *wire, contestants []contestant, rounds, repeat int) ([]result, error) {
	times := make([][]time.Duration, len(contestants))
	results := make([]result, len(contestants))
	done := 0
	for round, begin := -1, time.Now(); done < rounds && (done < fewest || time.Since(begin) < patience); round++ {
		for j := range contestants {
			i := (j + round + 1) % len(contestants) // who comes first pays for what the last has left to the disk
			c := contestants[i]
			took, cost, err := turn(ctx, w, c, repeat)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			times[i] = append(times[i], took)
			r := &results[i]
			r.CPU += cost.CPU
			r.Requests += cost.Requests
			r.WireBytes += cost.WireBytes
			r.Allocs += cost.Allocs
			r.Bytes += cost.Bytes
		}
		if round < 0 && time.Since(begin) < patience/2 {
			clear(times)
			clear(results)
			begin = time.Now()
			continue
		}
		done++
	}
	for i, c := range contestants {
		peak, err := peakHeap(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		s := chart.Of(times[i])
		r, n := &results[i], float64(done)
		r.CPU /= time.Duration(done)
		r.Requests /= n
		r.WireBytes /= n
		r.Allocs /= n
		r.Bytes /= n
		r.Name, r.Time, r.Min, r.Max, r.Peak = c.name, s.At(0.5), s.At(0), s.At(1), peak
	}
	return results, nil
}

func turn(ctx context.Context, w *wire, c contestant, repeat int) (took time.Duration, cost result, err error) {
	if c.prepare != nil {
		if err := c.prepare(ctx); err != nil {
			return 0, cost, err
		}
	}
	seen, err := w.traffic(ctx)
	if err != nil {
		return 0, cost, err
	}
	var before, after runtime.MemStats
	runtime.GC() // nobody pays for what another has left
	runtime.ReadMemStats(&before)
	start, used := time.Now(), processorTime()
	for range repeat {
		if err := c.do(ctx); err != nil {
			return 0, cost, err
		}
	}
	took = time.Since(start) / time.Duration(repeat)
	cost.CPU = (processorTime() - used) / time.Duration(repeat)
	runtime.ReadMemStats(&after)
	saw, err := w.traffic(ctx)
	n := float64(repeat)
	cost.Requests = float64(saw.Requests-seen.Requests) / n
	cost.WireBytes = float64(saw.Bytes-seen.Bytes) / n
	cost.Allocs = float64(after.Mallocs-before.Mallocs) / n
	cost.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / n
	return took, cost, err
}

// processorTime is what this process has had of all processors, in its own code and
// in the system's. Other processes do not change it much.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakHeap does the work once more, for its memory alone: the collector runs
// so often that what it has not come to yet is little, and time does not count.
func peakHeap(ctx context.Context, c contestant) (uint64, error) {
	if c.prepare != nil {
		if err := c.prepare(ctx); err != nil {
			return 0, err
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	base := heap()
	stop, highest := make(chan struct{}), make(chan uint64)
	go func() {
		most := heap()
		for tick := time.NewTicker(200 * time.Microsecond); ; {
			select {
			case <-tick.C:
				most = max(most, heap())
			case <-stop:
				tick.Stop()
				highest <- most
				return
			}
		}
	}()
	err := c.do(ctx)
	close(stop)
	most := max(<-highest, heap())
	return most - min(base, most), err
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
