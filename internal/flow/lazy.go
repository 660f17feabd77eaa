package flow

import (
	"context"
	"sync"
	"sync/atomic"
)

// Lazy is a value that is made by the first Get that succeeds. A failure leaves nothing: the
// next Get tries again. The zero value is ready; it is safe for concurrent use.
type Lazy[T any] struct {
	atomic.Pointer[T]

	once sync.Once
	turn chan struct{} // held by the one Get that makes
}

// Get returns the value, making it if it is not there. One call makes at a
// time; the others wait for it, and no longer than their contexts last. Under
// a context already done it is that context's error.
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
