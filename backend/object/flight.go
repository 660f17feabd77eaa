package object

import "context"

// flightMemory is how much of a stream may be under way at once, whatever the
// parts have grown to, unless Concurrency parts of the first size are more.
// One part may always be.
const flightMemory = 256 << 20

// flight bounds the parts that are under way: their number, and what they have
// in memory. enter is for one goroutine.
type flight struct {
	max      int
	memory   int64
	count    int
	used     int64
	finished chan int64
}

func newFlight(concurrency int, partSize int64) *flight {
	return &flight{max: concurrency, memory: max(flightMemory, int64(concurrency)*partSize),
		finished: make(chan int64, concurrency)}
}

// enter waits until a part with this much in memory may be sent. It is false
// if ctx ends first.
func (f *flight) enter(ctx context.Context, memory int64) bool {
	for f.count == f.max || f.count > 0 && f.used+memory > f.memory {
		select {
		case freed := <-f.finished:
			f.count--
			f.used -= freed
		case <-ctx.Done():
			return false
		}
	}
	if ctx.Err() != nil {
		return false
	}
	f.count++
	f.used += memory
	return true
}

// leave is called once for each part that has entered, when its memory is
// free. It does not block.
func (f *flight) leave(memory int64) { f.finished <- memory }
