package throttle

import (
	"context"
	"sync"
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
type Limiter struct {
	mu     sync.Mutex
	limits Limits

	upload, download, requests bucket
}

// NewLimiter returns a limiter. It fails with fs.ErrInvalid if a limit is 0 or less.
func NewLimiter(limits Limits) (*Limiter, error) {
	l := new(Limiter)
	return l, l.Set(limits)
}

// Set changes the limits, also for operations that are waiting. It fails with
// fs.ErrInvalid, and changes nothing, if a limit is 0 or less.
func (l *Limiter) Set(limits Limits) error {
	if err := limits.check("throttle"); err != nil {
		return err
	}
	l.set(limits)
	return nil
}

// Limits returns the current limits.
func (l *Limiter) Limits() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits.clone()
}

func (l *Limiter) set(limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = limits.clone()
	l.upload.set(bytes(limits.Upload), maxChunk)
	l.download.set(bytes(limits.Download), maxChunk)
	perSecond := rate.Inf
	if limits.Requests != nil {
		perSecond = rate.Limit(*limits.Requests)
	}
	l.requests.set(perSecond, 1)
}

func bytes(perSecond *int64) rate.Limit {
	if perSecond == nil {
		return rate.Inf
	}
	return rate.Limit(*perSecond)
}

// clone returns a deep copy.
func (l Limits) clone() Limits {
	return Limits{copied(l.Upload), copied(l.Download), copied(l.Requests)}
}

func copied[T any](limit *T) *T {
	if limit == nil {
		return nil
	}
	return new(*limit)
}

const (
	maxChunk = 16 << 10 // bytes

	// burst is the part of a second whose share may be used at once.
	burst = 0.1
)

// bucket is one limit. A nil pace means none.
type bucket struct{ atomic.Pointer[pace] }

// pace is a limit that does not change. A change gives the bucket another.
type pace struct {
	tokens *rate.Limiter
	chunk  int           // the most to take at once
	over   chan struct{} // closed when the bucket gets another
}

// set changes the limit, of which at most chunk is taken at once. It is called with the limiter's
// mutex held.
func (b *bucket) set(perSecond rate.Limit, chunk int) {
	was := b.Load()
	if was != nil && was.tokens.Limit() == perSecond {
		return
	}
	var now *pace
	if perSecond != rate.Inf {
		size := int(max(1, min(burst*float64(perSecond), 1<<30)))
		now = &pace{tokens: rate.NewLimiter(perSecond, size), chunk: min(size, chunk), over: make(chan struct{})}
	}
	b.Store(now)
	if was != nil {
		close(was.over)
	}
}

// take waits until n may pass, or ctx is done. If the limit changes meanwhile, the rest of n
// is subject to the new one.
func (b *bucket) take(ctx context.Context, n int) error {
	for n > 0 {
		p := b.Load()
		if p == nil {
			break
		}
		some := min(n, p.chunk)
		ok, err := p.wait(ctx, some)
		if err != nil {
			return err
		}
		if ok {
			n -= some
		}
	}
	return flow.Err(ctx)
}

// wait waits as rate.Limiter.WaitN does, except that it does not fail before the deadline
// of ctx, and returns the context's own error. It reports false if the bucket got
// another pace.
func (p *pace) wait(ctx context.Context, n int) (bool, error) {
	turn := p.tokens.ReserveN(time.Now(), n)
	delay := turn.Delay()
	if delay <= 0 {
		return true, nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, nil
	case <-ctx.Done():
		turn.Cancel()
		return false, flow.Err(ctx)
	case <-p.over:
		return false, nil
	}
}
