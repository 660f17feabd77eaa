package object

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFlight(3, 5<<20)
		assert.True(t, f.enter(ctx, 2*flightMemory), "one part may always be under way")
		entered := false
		enter := func(memory int64) { entered = f.enter(ctx, memory) }
		go enter(1)
		synctest.Wait()
		assert.False(t, entered, "more than the memory allows is under way")
		f.leave(2 * flightMemory)
		synctest.Wait()
		assert.True(t, entered)
		assert.True(t, f.enter(ctx, flightMemory/2))
		assert.True(t, f.enter(ctx, 0))
		entered = false
		go enter(0)
		synctest.Wait()
		assert.False(t, entered, "three at once")
		f.leave(1)
		synctest.Wait()
		assert.True(t, entered)
		assert.EqualValues(t, 3, f.count)
		assert.EqualValues(t, flightMemory/2, f.used)
		cancel()
		assert.False(t, f.enter(ctx, 0), "the wait ends with the context")
		f.leave(0)
		f.leave(0)
		assert.False(t, f.enter(ctx, 0), "nothing enters under a context that has ended")
		assert.EqualValues(t, 5*(1<<30), newFlight(5, 1<<30).memory, "large parts by configuration")
	})
}
