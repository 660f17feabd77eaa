package flow

import (
	"context"
	"sync"
	"sync/atomic"
)

// Lazy is a value made by the first Get that succeeds. After a failure the next Get tries again.
// The zero value is ready to use. It is safe for concurrent use.
type Lazy[T any] struct {
	atomic.Pointer[T]

	mu   sync.Mutex
	turn chan struct{} // held by the Get that makes the value; nil once it is made
}

// Get returns the value, and makes it if necessary. One call at a time makes it; the others wait
// until it is made or their contexts are done. If ctx is done, Get returns its error.
func (v *Lazy[T]) Get(ctx context.Context, build func(context.Context) (*T, error)) (*T, error) {
	if err := Err(ctx); err != nil {
		return nil, err
	}
	if value := v.Load(); value != nil {
		return value, nil
	}
	turn := v.lock()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, Err(ctx)
	}
	if value := v.Load(); value != nil {
		return value, nil
	}
	value, err := build(ctx)
	if err != nil {
		return nil, err
	}
	v.Store(value)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn = nil
	return value, nil
}

func (v *Lazy[T]) lock() chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.turn == nil {
		v.turn = make(chan struct{}, 1)
	}
	return v.turn
}
