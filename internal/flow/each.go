package flow

import (
	"context"
	"sync"
	"sync/atomic"
)

// Each calls do with 0 to n-1, at most limit at a time, and returns when all calls have returned.
// If one panics, it makes no more calls, and panics.
func Each(n, limit int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	var panicked Panic
	work := func() {
		for !panicked.Caught() {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			do(i)
		}
	}
	for range min(n, max(limit, 1)) {
		workers.Go(func() { panicked.Do(work) })
	}
	workers.Wait()
	panicked.Rethrow()
}

// All is Each until the first failure, which cancels the context of do and is returned. If ctx is
// done, do is not called.
func All(ctx context.Context, n, limit int, do func(ctx context.Context, i int) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	Each(n, limit, func(i int) {
		if inner.Err() != nil {
			return
		}
		if err := do(inner, i); err != nil {
			cancel(&failure{err})
		}
	})
	if failed, ok := context.Cause(inner).(*failure); ok {
		return failed.error
	}
	return Err(ctx)
}

// failure distinguishes All's own cancellation from the caller's.
type failure struct{ error }
