package flow

import (
	"context"
	"sync/atomic"
	"time"
)

// Lease is a value that holds for a while, such as a token.
type Lease[T any] struct {
	Value   T
	Refresh time.Time // the value should be fetched again from then on
	Expires time.Time // the value must not be used from then on
}

// Fresh is a value that is fetched when it is first needed, and again before it expires: by one
// call at a time, for all who need it. The zero value is ready to use. It is safe for
// concurrent use.
type Fresh[T any] struct {
	held   atomic.Pointer[Lease[T]]
	flight Flights[struct{}, T]
}

// refreshPause is how long a value that could not be refreshed is used before the next attempt.
const refreshPause = 30 * time.Second

// Get returns the value. If it is due, Get fetches it, or waits for another call that does; the
// context of fetch ends when no call waits any more. A failure is returned to all who wait, and
// is not kept: the next Get fetches again. A value that has not expired is used instead of a failure.
func (f *Fresh[T]) Get(ctx context.Context, fetch func(context.Context) (Lease[T], error)) (T, error) {
	if held := f.held.Load(); held != nil && time.Now().Before(held.Refresh) {
		return held.Value, nil
	}
	value, _, err := f.flight.Do(ctx, struct{}{}, func(ctx context.Context) (T, error) {
		held, now := f.held.Load(), time.Now()
		if held != nil && now.Before(held.Refresh) {
			return held.Value, nil // fetched since
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
