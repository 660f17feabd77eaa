package s3

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFlight(t *testing.T) {
	ctx, cancel := cancelled(t)
	f := newFlight(3, 5<<20)
	assert.True(t, f.enter(ctx, 2*flightMemory), "one part may always be under way")
	entered := make(chan bool)
	enter := func(memory int64) { entered <- f.enter(ctx, memory) }
	go enter(1)
	select {
	case <-entered:
		t.Fatal("more than the memory allows is under way")
	default:
	}
	f.leave(2 * flightMemory)
	assert.True(t, <-entered)
	assert.True(t, f.enter(ctx, flightMemory/2))
	assert.True(t, f.enter(ctx, 0))
	go enter(0)
	f.leave(1)
	assert.True(t, <-entered, "three at once")
	assert.EqualValues(t, 3, f.count)
	assert.EqualValues(t, flightMemory/2, f.used)
	cancel()
	assert.False(t, f.enter(ctx, 0))
	f.leave(0)
	assert.False(t, f.enter(ctx, 0), "nothing enters under a context that has ended")

	assert.EqualValues(t, 5*(1<<30), newFlight(5, 1<<30).memory, "large parts by configuration")
}
