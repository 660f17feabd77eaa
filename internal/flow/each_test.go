package flow_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/flow"
)

func TestEach(t *testing.T) {
	for _, tt := range []struct{ n, limit, most int }{{0, 3, 0}, {1, 3, 1}, {10, 3, 3}, {10, 0, 1}, {3, 10, 3}} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var running, most int
			seen := map[int]int{}
			flow.Each(tt.n, tt.limit, func(i int) {
				mu.Lock()
				running++
				most = max(most, running)
				seen[i]++
				mu.Unlock()
				time.Sleep(time.Second) // of the bubble's clock: all that may run do
				mu.Lock()
				running--
				mu.Unlock()
			})
			assert.Len(t, seen, tt.n)
			for i, times := range seen {
				assert.Equal(t, 1, times, "%d", i)
			}
			assert.Equal(t, tt.most, most)
		})
	}
}

func TestAll(t *testing.T) {
	var calls atomic.Int64
	assert.NoError(t, flow.All(t.Context(), 5, 2, func(context.Context, int) error {
		calls.Add(1)
		return nil
	}))
	assert.EqualValues(t, 5, calls.Load())

	failure := errors.New("third")
	calls.Store(0)
	err := flow.All(t.Context(), 100, 1, func(_ context.Context, i int) error {
		calls.Add(1)
		if i == 2 {
			return failure
		}
		return nil
	})
	assert.Equal(t, failure, err)
	assert.EqualValues(t, 3, calls.Load(), "nothing is begun after a failure")

	// What is under way is told to end, and its own complaint does not matter.
	err = flow.All(t.Context(), 2, 2, func(ctx context.Context, i int) error {
		if i == 0 {
			return failure
		}
		<-ctx.Done()
		return ctx.Err()
	})
	assert.Equal(t, failure, err)
}

func TestAllUnderAContextThatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("shutting down")
	cancel(cause)
	err := flow.All(ctx, 3, 2, func(context.Context, int) error {
		t.Error("called")
		return nil
	})
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, cause)
}
