package flow

import (
	"context"
	"sync/atomic"
	"time"
)

// Lease is a value that expires, such as a token.
type Lease[T any] struct {
	Value   T
	Refresh time.Time // when the value should be fetched again
	Expires time.Time // when the value must no longer be used
}

// Fresh is a value that is fetched when it is first needed, and again before it expires, by one
// call at a time for all callers. The zero value is ready to use. It is safe for concurrent use.
type Fresh[T any] struct {
	held   atomic.Pointer[Lease[T]]
	flight Flights[struct{}, T]
}

// refreshPause is the time between attempts to refresh a value that has not expired.
const refreshPause = 30 * time.Second

// Get returns the value. If it is due, Get fetches it, or waits for another call that does; the
// context of fetch ends when no call waits any more. If fetch fails, Get returns the old value if
// that has not expired, and otherwise the error. Errors are not kept: the next Get fetches again.
func (f *Fresh[T]) Get(ctx context.Context, fetch func(context.Context) (Lease[T], error)) (T, error) {
	if held := f.held.Load(); held != nil && time.Now().Before(held.Refresh) {
		return held.Value, nil
	}
	value, _, err := f.flight.Do(ctx, struct{}{}, func(ctx context.Context) (T, error) {
		held, now := f.held.Load(), time.Now()
		if held != nil && now.Before(held.Refresh) {
			return held.Value, nil // fetched in the meantime
		}
		lease, err := fetch(ctx)
		if err != nil {
			if held == nil || ctx.Err() != nil || !now.Before(held.Expires) {
				return lease.Value, err
			}
			lease = *held
			if lease.Refresh = now.Add(refreshPause); lease.Refresh.After(lease.Expires) {
				lease.Refresh = lease.Expires
			}
		}
		f.held.Store(&lease)
		return lease.Value, nil
	})
	return value, err
}
