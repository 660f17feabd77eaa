package object

import "context"

// flightMemory limits the total size of the parts of a stream that are sent at a
// time, however large they are, unless Concurrency parts of the first size are more.
// One part is always allowed.
const flightMemory = 256 << 20

// flight limits the number of parts that are being sent, and their memory. enter must
// be called by one goroutine at a time.
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

// enter waits until a part with this much memory may be sent. It returns false if ctx
// ends first.
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

// leave must be called once for each part that has entered, after its memory is freed.
// It does not block.
func (f *flight) leave(memory int64) { f.finished <- memory }
