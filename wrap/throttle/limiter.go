package throttle

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// Limiter keeps the clients that share it within its Limits. The zero value has no
// limits. It is safe for concurrent use.
//
// Transfers take turns, with chunks of at most 16 KiB or a tenth of a second: a small
// transfer waits for at most one chunk of each other transfer.
type Limiter struct{ upload, download, requests bucket }

// NewLimiter returns a limiter. It fails with fs.ErrInvalid if a limit is 0 or less.
func NewLimiter(limits Limits) (*Limiter, error) {
	l := new(Limiter)
	return l, l.Set(limits)
}

// Set changes the limits. Operations and chunks that are already waiting are subject to the old
// ones. It fails with fs.ErrInvalid, and changes nothing, if a limit is 0 or less.
func (l *Limiter) Set(limits Limits) error {
	if err := limits.check("throttle"); err != nil {
		return err
	}
	setLimit(&l.upload, limits.Upload)
	setLimit(&l.download, limits.Download)
	setLimit(&l.requests, limits.Requests)
	return nil
}

const (
	maxChunk = 16 << 10 // bytes

	// burst is the part of a second whose share may be used at once.
	burst = 0.1
)

// bucket is one limit. A nil rate.Limiter means none.
type bucket struct{ atomic.Pointer[rate.Limiter] }

func setLimit[N int64 | float64](b *bucket, perSecond *N) {
	if perSecond == nil {
		b.Store(nil)
		return
	}
	limit := float64(*perSecond)
	b.Store(rate.NewLimiter(rate.Limit(limit), int(max(1, min(burst*limit, 1<<30)))))
}

// chunkOf returns the most that is taken from a limit at once.
func chunkOf(limit *rate.Limiter) int { return min(limit.Burst(), maxChunk) }

// take waits until n may pass, or ctx is done.
func (b *bucket) take(ctx context.Context, n int) error {
	for limit := b.Load(); limit != nil && n > 0; {
		some := min(n, chunkOf(limit))
		if err := wait(ctx, limit, some); err != nil {
			return err
		}
		n -= some
	}
	return flow.Err(ctx)
}

// wait waits as rate.Limiter.WaitN does, except that it does not fail before the deadline
// of ctx, and returns the context's own error.
func wait(ctx context.Context, limit *rate.Limiter, n int) error {
	turn := limit.ReserveN(time.Now(), n)
	delay := turn.Delay()
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return flow.Err(ctx)
	}
}
