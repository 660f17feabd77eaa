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

	once sync.Once
	turn chan struct{} // held by the one Get that makes
}

// Get returns the value, and makes it if necessary. One call makes it at a time; the others wait
// for it, or until their contexts are done. If ctx is done, Get returns its error.
func (v *Lazy[T]) Get(ctx context.Context, build func(context.Context) (*T, error)) (*T, error) {
	if err := Err(ctx); err != nil {
		return nil, err
	}
	if value := v.Load(); value != nil {
		return value, nil
	}
	select {
	case v.lock() <- struct{}{}:
		defer func() { <-v.turn }()
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
	return value, nil
}

func (v *Lazy[T]) lock() chan struct{} {
	v.once.Do(func() { v.turn = make(chan struct{}, 1) })
	return v.turn
}
