// Package retry retries failed requests with exponential backoff and full jitter,
// up to a number of attempts. It waits at least as long as the service asks with
// Retry-After.
//
// A Policy has no state. A retry budget that requests share, as in some SDKs,
// is used up during an outage and then fails requests that were never tried.
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

// Policy determines how often and how fast to retry. Copies are independent, and
// all methods are safe for concurrent use if the functions in the fields are.
type Policy struct {
	// MaxAttempts is the maximum number of attempts, including the first.
	// Less than 1 means 1.
	MaxAttempts int

	// BaseDelay is the upper bound of the first wait. The bound doubles with
	// each further wait. 0 or less means no wait, except for Retry-After.
	BaseDelay time.Duration

	// MaxDelay is the upper bound of every wait, except for Retry-After. 0 or
	// less means no bound.
	MaxDelay time.Duration

	// Retryable reports whether a retry may succeed. If it is nil, nothing is
	// retried.
	Retryable func(error) bool

	// After replaces time.After. Nil means the real clock, whose timer is
	// stopped when Do returns.
	After func(time.Duration) <-chan time.Time

	// Rand returns a number in [0, 1). Nil means rand.Float64.
	Rand func() float64

	// OnRetry, if not nil, is called before each wait with the number of the
	// failed attempt (from 1), its error, and the length of the wait.
	OnRetry func(attempt int, wait time.Duration, err error)
}

// Do calls op until it succeeds, fails with an error that is not retryable,
// or has been called MaxAttempts times. It returns the last error; after more
// than one attempt, the message contains their number.
//
// Do starts nothing if ctx is done. If ctx ends during or between attempts,
// the error matches ctx.Err() with errors.Is and also wraps the last failure,
// if there is one.
func (p Policy) Do(ctx context.Context, op func(context.Context) error) error {
	if err := flow.Err(ctx); err != nil {
		return err
	}
	clock := &timer{after: p.After}
	defer clock.stop()

	var last error
	for attempt := 1; ; attempt++ {
		// The wait may have ended at the same time as the context.
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

// report returns the error of a Do that gives up after a number of attempts,
// the last of which failed with last.
func report(ctx context.Context, attempts int, last error) error {
	if stopped := flow.Err(ctx); stopped != nil {
		last = end(stopped, last)
	}
	if attempts > 1 {
		return fmt.Errorf("after %d attempts: %w", attempts, last)
	}
	return last
}

// end adds the end of a context to a failure. If the failure already is a
// plain cancellation, it is not repeated. A deadline is always added, because
// timeouts of the transport match it too.
func end(stopped, last error) error {
	switch {
	case last == nil:
		return stopped
	case stopped == context.Canceled && errors.Is(last, context.Canceled):
		return last
	}
	return fmt.Errorf("%w: %w", stopped, last)
}

// Delay returns how long to wait after the given attempt (from 1) has failed
// with err: a random time below the lesser of MaxDelay and BaseDelay doubled
// attempt-1 times, but at least RetryAfter(err).
func (p Policy) Delay(attempt int, err error) time.Duration {
	return max(p.jitter(p.bound(attempt)), RetryAfter(err))
}

// bound returns the exclusive upper bound of a wait. It does not overflow,
// whatever the number of attempts.
func (p Policy) bound(attempt int) time.Duration {
	ceiling := p.MaxDelay
	if ceiling <= 0 {
		ceiling = math.MaxInt64
	}
	doublings := max(attempt, 1) - 1
	switch {
	case p.BaseDelay <= 0:
		return 0
	case p.BaseDelay > ceiling>>doublings:
		return ceiling
	}
	return p.BaseDelay << doublings
}

func (p Policy) jitter(bound time.Duration) time.Duration {
	random := p.Rand
	if random == nil {
		random = rand.Float64
	}
	return time.Duration(random() * float64(bound))
}

// timer is the timer for all waits of a Do, so that none outlives it.
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
