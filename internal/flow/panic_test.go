package flow_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/flow"
)

func TestPanic(t *testing.T) {
	var p flow.Panic
	p.Do(func() {})
	assert.False(t, p.Caught())
	p.Rethrow()
	for _, value := range []any{"first", "second"} {
		p.Do(func() { panic(value) })
	}
	assert.True(t, p.Caught())
	for range 2 {
		assert.PanicsWithValue(t, "first", p.Rethrow)
	}
}

// exits reports whether f ends its goroutine.
func exits(f func()) bool {
	ended := true
	var wg sync.WaitGroup
	wg.Go(func() {
		f()
		ended = false
	})
	wg.Wait()
	return ended
}

func TestPanicOfGoexit(t *testing.T) {
	var p flow.Panic
	assert.True(t, exits(func() { p.Do(runtime.Goexit) }))
	assert.True(t, p.Caught())
	assert.True(t, exits(p.Rethrow))
}

// What panics in a worker panics in the caller, when all have returned; nothing
// more is begun.
func TestEachPanics(t *testing.T) {
	for _, limit := range []int{1, 3} {
		var begun, running atomic.Int64
		assert.PanicsWithValue(t, "mine", func() {
			flow.Each(1000, limit, func(i int) {
				begun.Add(1)
				running.Add(1)
				defer running.Add(-1)
				if i == 1 {
					panic("mine")
				}
				runtime.Gosched()
			})
		})
		assert.Zero(t, running.Load())
		assert.Less(t, begun.Load(), int64(1000))
	}
	assert.True(t, exits(func() { flow.Each(2, 2, func(int) { runtime.Goexit() }) }))
	assert.Panics(t, func() {
		_ = flow.All(t.Context(), 2, 2, func(_ context.Context, i int) error { panic(i) })
	})
}

func TestLinePanics(t *testing.T) {
	var running atomic.Int64
	var got []int
	line := flow.Line[int]{Limit: 2, Take: func(n int) { got = append(got, n) }}
	assert.PanicsWithValue(t, "mine", func() {
		for i := range 1000 {
			line.Do(func() int {
				running.Add(1)
				defer running.Add(-1)
				if i == 3 {
					panic("mine")
				}
				return i
			})
		}
	})
	assert.Zero(t, running.Load(), "all have returned")
	assert.Equal(t, []int{0, 1, 2}, got)
	assert.PanicsWithValue(t, "mine", line.Wait, "also where that is deferred")
}
