// Package retry is the one way in which a failed request is repeated:
// exponential backoff with full jitter, bounded by a number of tries, with a
// service's Retry-After as a floor.
//
// A Policy has no memory. A budget shared between requests, as some SDKs have
// one, drains in an outage and then fails requests that were never tried.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// Policy says how often and how fast to try again. It is a value: copies are
// independent, and all methods are safe for concurrent use if the functions
// in it are.
type Policy struct {
	// MaxAttempts is how often an operation is tried in all, the first time
	// included. Less than 1 means 1.
	MaxAttempts int

	// BaseDelay bounds the first wait; each further bound is twice the one
	// before. 0 or less means no wait but Retry-After's.
	BaseDelay time.Duration

	// MaxDelay bounds every wait but Retry-After's. 0 or less means no bound.
	MaxDelay time.Duration

	// Retryable reports whether doing the same again may succeed. Nil means
	// never: a failure that nobody has judged is not repeated.
	Retryable func(error) bool

	// After is the clock's time.After. Nil means the real clock, whose timer
	// is stopped when Do returns.
	After func(time.Duration) <-chan time.Time

	// Rand returns a number in [0, 1). Nil means rand.Float64.
	Rand func() float64

	// OnRetry, if not nil, is told before each wait which attempt (from 1)
	// has failed, how, and how long the wait is.
	OnRetry func(attempt int, wait time.Duration, err error)
}

// Do calls op until it succeeds, fails with an error that is not retryable, or
// has been tried MaxAttempts times. The last error is returned; after more
// than one try, the message says how many there were.
//
// Nothing is started under a context that is done. When ctx ends between two
// tries or during one, the error matches ctx.Err() in errors.Is and also wraps
// the last failure, if there is one.
func (p Policy) Do(ctx context.Context, op func(context.Context) error) error {
	if err := flow.Err(ctx); err != nil {
		return err
	}
	clock := &timer{after: p.After}
	defer clock.stop()

	var last error
	for attempt := 1; ; attempt++ {
		// The wait may have ended at the same moment as the context.
		if ctx.Err() != nil {
			return report(ctx, attempt-1, last)
		}
		if last = op(ctx); last == nil {
			return nil
		}
		if attempt >= p.MaxAttempts || ctx.Err() != nil || p.Retryable == nil || !p.Retryable(last) {
			return report(ctx, attempt, last)
		}
		wait := p.Delay(attempt, last)
		if p.OnRetry != nil {
			p.OnRetry(attempt, wait, last)
		}
		select {
		case <-clock.wait(wait):
		case <-ctx.Done():
			return report(ctx, attempt, last)
		}
	}
}

// report returns the error of a Do that gives up after so many attempts, of
// which the last one failed with last.
func report(ctx context.Context, attempts int, last error) error {
	if stopped := flow.Err(ctx); stopped != nil {
		last = end(stopped, last)
	}
	if attempts > 1 {
		return fmt.Errorf("after %d attempts: %w", attempts, last)
	}
	return last
}

// end adds the end of a context to the failure that it came upon. A plain
// cancellation that the failure already tells is not told twice. A deadline
// always is: a timeout of the transport only claims to match it.
func end(stopped, last error) error {
	switch {
	case last == nil:
		return stopped
	case stopped == context.Canceled && errors.Is(last, context.Canceled):
		return last
	}
	return fmt.Errorf("%w: %w", stopped, last)
}

// Delay returns how long to wait after the attempt-th try (from 1) has failed
// with err: a random time below the lesser of MaxDelay and BaseDelay doubled
// attempt-1 times, but never less than RetryAfter(err).
func (p Policy) Delay(attempt int, err error) time.Duration {
	return max(p.jitter(p.bound(attempt)), RetryAfter(err))
}

// bound returns the exclusive upper bound of a wait. It does not overflow,
// however many attempts there were.
func (p Policy) bound(attempt int) time.Duration {
	ceiling := p.MaxDelay
	if ceiling <= 0 {
		ceiling = math.MaxInt64
	}
	doublings := max(attempt, 1) - 1
	switch {
	case p.BaseDelay <= 0:
		return 0
	case doublings >= 63, p.BaseDelay > ceiling>>doublings:
		return ceiling
	}
	return p.BaseDelay << doublings
}

func (p Policy) jitter(bound time.Duration) time.Duration {
	if bound <= 0 {
		return 0
	}
	random := p.Rand
	if random == nil {
		random = rand.Float64
	}
	// A bound of more than 53 bits may be rounded up.
	return min(time.Duration(random()*float64(bound)), bound-1)
}

// timer is one timer for all waits of a Do, so that none outlives it.
type timer struct {
	after func(time.Duration) <-chan time.Time
	real  *time.Timer
}

// wait returns a channel that receives once d has passed.
func (t *timer) wait(d time.Duration) <-chan time.Time {
	switch {
	case t.after != nil:
		return t.after(d)
	case t.real == nil:
		t.real = time.NewTimer(d)
	default:
		t.real.Reset(d)
	}
	return t.real.C
}

func (t *timer) stop() {
	if t.real != nil {
		t.real.Stop()
	}
}
