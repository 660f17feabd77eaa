package retry_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/retry"
)

func always(error) bool { return true }

// highest is the top of the jitter's range, which makes each wait its bound
// less one nanosecond.
func highest() float64 { return math.Nextafter(1, 0) }

// noWait is a clock on which every wait is over at once.
func noWait(waits *[]time.Duration) func(time.Duration) <-chan time.Time {
	return func(d time.Duration) <-chan time.Time {
		*waits = append(*waits, d)
		c := make(chan time.Time, 1)
		c <- time.Time{}
		return c
	}
}

func TestDoFirstTryAtOnce(t *testing.T) {
	var waits []time.Duration
	p := retry.Policy{MaxAttempts: 5, BaseDelay: time.Hour, Retryable: always, After: noWait(&waits)}
	calls := 0
	require.NoError(t, p.Do(t.Context(), func(context.Context) error { calls++; return nil }))
	assert.Equal(t, 1, calls)
	assert.Empty(t, waits)
}

func TestDoPassesContext(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "v")
	require.NoError(t, retry.Policy{}.Do(ctx, func(ctx context.Context) error {
		assert.Equal(t, "v", ctx.Value(key{}))
		return nil
	}))
}

func TestDoCountsAttempts(t *testing.T) {
	for _, tt := range []struct{ max, succeedAt, want int }{
		{max: -1, want: 1},
		{max: 0, want: 1},
		{max: 1, want: 1},
		{max: 2, want: 2},
		{max: 7, want: 7},
		{max: 7, succeedAt: 7, want: 7},
		{max: 7, succeedAt: 3, want: 3},
	} {
		var waits []time.Duration
		p := retry.Policy{MaxAttempts: tt.max, BaseDelay: time.Second, Retryable: always, After: noWait(&waits)}
		calls, failure := 0, &fs.PathError{Op: "get", Path: "x", Err: errors.New("reset")}
		err := p.Do(t.Context(), func(context.Context) error {
			if calls++; calls == tt.succeedAt {
				return nil
			}
			return failure
		})
		assert.Equal(t, tt.want, calls)
		assert.Len(t, waits, tt.want-1, "no wait before the first or after the last try")
		if tt.succeedAt > 0 {
			assert.NoError(t, err)
			continue
		}
		var got *fs.PathError
		require.ErrorAs(t, err, &got)
		assert.Same(t, failure, got)
		if tt.want > 1 {
			assert.ErrorContains(t, err, "after "+string(rune('0'+tt.want))+" attempts: get x: reset")
		} else {
			assert.Equal(t, failure, err)
		}
	}
}

func TestDoReturnsTheLastError(t *testing.T) {
	var waits []time.Duration
	p := retry.Policy{MaxAttempts: 3, Retryable: always, After: noWait(&waits)}
	failures := []error{errors.New("one"), errors.New("two"), errors.New("three")}
	calls := 0
	err := p.Do(t.Context(), func(context.Context) error { calls++; return failures[calls-1] })
	assert.EqualError(t, err, "after 3 attempts: three")
	assert.ErrorIs(t, err, failures[2])
	assert.NotErrorIs(t, err, failures[0])
}

func TestDoStopsAtPermanentError(t *testing.T) {
	transient, permanent := errors.New("busy"), errors.New("denied")
	var waits []time.Duration
	p := retry.Policy{MaxAttempts: 9, After: noWait(&waits),
		Retryable: func(err error) bool { return errors.Is(err, transient) }}
	calls := 0
	err := p.Do(t.Context(), func(context.Context) error {
		if calls++; calls < 3 {
			return transient
		}
		return permanent
	})
	assert.Equal(t, 3, calls)
	assert.EqualError(t, err, "after 3 attempts: denied")
	assert.ErrorIs(t, err, permanent)
}

func TestDoWithoutRetryableTriesOnce(t *testing.T) {
	calls, failure := 0, errors.New("unjudged")
	err := retry.Policy{MaxAttempts: 9}.Do(t.Context(), func(context.Context) error { calls++; return failure })
	assert.Equal(t, failure, err)
	assert.Equal(t, 1, calls)
}

func TestDoWaits(t *testing.T) {
	var waits, told []time.Duration
	var attempts []int
	failure := errors.New("busy")
	p := retry.Policy{MaxAttempts: 6, BaseDelay: 100, MaxDelay: 500, Retryable: always, After: noWait(&waits), Rand: highest,
		OnRetry: func(attempt int, wait time.Duration, err error) {
			attempts, told = append(attempts, attempt), append(told, wait)
			assert.Equal(t, failure, err)
		}}
	require.Error(t, p.Do(t.Context(), func(context.Context) error { return failure }))
	assert.Equal(t, []time.Duration{99, 199, 399, 499, 499}, waits)
	assert.Equal(t, waits, told)
	assert.Equal(t, []int{1, 2, 3, 4, 5}, attempts)
}

func TestDoRetryAfterIsAFloor(t *testing.T) {
	var waits []time.Duration
	p := retry.Policy{MaxAttempts: 2, BaseDelay: time.Second, MaxDelay: 2 * time.Second, Retryable: always,
		After: noWait(&waits), Rand: func() float64 { return 0.5 }}
	fail := func(after time.Duration) {
		_ = p.Do(t.Context(), func(context.Context) error { return &retry.AfterError{Err: errors.New("503"), Delay: after} })
	}
	fail(time.Minute)            // above MaxDelay
	fail(100 * time.Millisecond) // below the jitter's wait
	assert.Equal(t, []time.Duration{time.Minute, time.Second / 2}, waits)
}

func TestDoRealClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := retry.Policy{MaxAttempts: 4, BaseDelay: time.Second, MaxDelay: time.Minute, Retryable: always, Rand: func() float64 { return 0.5 }}
		start := time.Now()
		require.Error(t, p.Do(t.Context(), func(context.Context) error { return errors.New("busy") }))
		assert.Equal(t, 500*time.Millisecond+time.Second+2*time.Second, time.Since(start))
	})
}

func TestDoContextDoneBefore(t *testing.T) {
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	calls := 0
	err := retry.Policy{MaxAttempts: 3, Retryable: always}.Do(ctx, func(context.Context) error { calls++; return nil })
	assert.Zero(t, calls)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, cause)
}

func TestDoContextEndsDuringTry(t *testing.T) {
	failure := errors.New("reset")
	for name, tt := range map[string]struct {
		err  func(context.Context) error
		text string
	}{
		"op reports the failure":      {func(context.Context) error { return failure }, "context canceled: reset"},
		"op reports the cancellation": {func(ctx context.Context) error { return errors.Join(failure, ctx.Err()) }, "reset\ncontext canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			calls := 0
			p := retry.Policy{MaxAttempts: 3, Retryable: always, OnRetry: func(int, time.Duration, error) { t.Error("there is no retry to tell of") }}
			err := p.Do(ctx, func(ctx context.Context) error {
				calls++
				cancel()
				return tt.err(ctx)
			})
			assert.Equal(t, 1, calls)
			assert.EqualError(t, err, tt.text)
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorIs(t, err, failure)
		})
	}
}

// claimsDeadline matches context.DeadlineExceeded as the timeouts of net do.
type claimsDeadline struct{}

func (claimsDeadline) Error() string        { return "i/o timeout" }
func (claimsDeadline) Is(target error) bool { return target == context.DeadlineExceeded }

func TestDoDeadlineIsNotHiddenByTransportTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := retry.Policy{MaxAttempts: 3, Retryable: always}.Do(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			return claimsDeadline{}
		})
		assert.EqualError(t, err, "context deadline exceeded: i/o timeout")
	})
}

func TestDoContextEndsDuringSuccess(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	assert.NoError(t, retry.Policy{}.Do(ctx, func(context.Context) error { cancel(); return nil }), "what is done is done")
}

func TestDoContextEndsDuringSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause, failure := errors.New("shutting down"), &fs.PathError{Op: "get", Path: "x", Err: errors.New("busy")}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		start, calls := time.Now(), 0
		err := retry.Policy{MaxAttempts: 9, BaseDelay: time.Hour, Retryable: always, Rand: highest}.Do(ctx, func(context.Context) error {
			calls++
			return failure
		})
		assert.Equal(t, time.Minute, time.Since(start), "the sleep ends with the context")
		assert.Equal(t, 1, calls)
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, err, cause)
		var got *fs.PathError
		assert.ErrorAs(t, err, &got)
	})
}

func TestDoDeadlineDuringLaterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		p := retry.Policy{MaxAttempts: 9, BaseDelay: time.Second, Retryable: always, Rand: highest}
		start, calls, failure := time.Now(), 0, errors.New("busy")
		err := p.Do(ctx, func(context.Context) error { calls++; return failure })
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 2, calls)
		assert.EqualError(t, err, "after 2 attempts: context deadline exceeded: busy")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorIs(t, err, failure)
	})
}

// The wait and the context may end at one moment: no try may then start,
// whichever the select sees.
func TestDoContextEndsWithSleep(t *testing.T) {
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		p := retry.Policy{MaxAttempts: 3, Retryable: always, After: func(time.Duration) <-chan time.Time {
			cancel()
			c := make(chan time.Time, 1)
			c <- time.Time{}
			return c
		}}
		err := p.Do(ctx, func(context.Context) error { calls++; return errors.New("busy") })
		require.Equal(t, 1, calls)
		require.EqualError(t, err, "context canceled: busy")
	}
}

// A context may end between the look at it and the first try.
func TestDoContextEndsBeforeFirstTry(t *testing.T) {
	for after := range 2 { // the looks that precede the first try
		calls := 0
		ctx := &endsAfter{Context: t.Context(), looks: after}
		err := retry.Policy{}.Do(ctx, func(context.Context) error { calls++; return nil })
		require.Zero(t, calls, after)
		require.Equal(t, context.Canceled, err, after)
	}
}

// endsAfter is a context that is canceled once Err has been asked for some
// number of times.
type endsAfter struct {
	context.Context
	looks int
}

func (c *endsAfter) Err() error {
	if c.looks--; c.looks >= 0 {
		return nil
	}
	return context.Canceled
}
func (c *endsAfter) Value(any) any { return nil }

func TestDelayBounds(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		base, max time.Duration
		attempt   int
		want      time.Duration
	}{
		{100, 1000, 1, 99},
		{100, 1000, 2, 199},
		{100, 1000, 4, 799},
		{100, 1000, 5, 999},
		{100, 1000, 0, 99},
		{100, 1000, math.MinInt, 99},
		{100, 1000, 62, 999},
		{100, 1000, 63, 999},
		{100, 1000, 64, 999},
		{100, 1000, 65, 999},
		{100, 1000, math.MaxInt, 999},
		{1, math.MaxInt64, 11, 1023},
		{2000, 1000, 1, 999},
		{0, 1000, 5, 0},
		{0, 1000, 64, 0},
		{2, 5, 2, 3},
		{-1, 1000, 5, 0},
		{1, 0, 5, 15},
		{day, -1, 3, 4*day - 1},
	} {
		p := retry.Policy{BaseDelay: tt.base, MaxDelay: tt.max, Rand: highest}
		got := p.Delay(tt.attempt, nil)
		assert.InDelta(t, tt.want, got, 1, "%+v", tt)
		assert.LessOrEqual(t, got, tt.want, "%+v", tt)

		p.Rand = func() float64 { return 0 }
		assert.Zero(t, p.Delay(tt.attempt, nil), "%+v", tt)
	}
}

func TestDelayNeverNegative(t *testing.T) {
	for attempt := range 200 {
		for _, base := range []time.Duration{1, 3, time.Millisecond, time.Hour, math.MaxInt64 / 2, math.MaxInt64} {
			d := retry.Policy{BaseDelay: base, Rand: highest}.Delay(attempt, nil)
			require.GreaterOrEqual(t, d, time.Duration(0), "attempt %d base %d", attempt, base)
			require.GreaterOrEqual(t, d, min(base-1, 1<<40), "attempt %d base %d", attempt, base)
		}
	}
}

// Full jitter is uniform: the mean is half the bound, and each tenth of the
// range gets about a tenth of the waits. The tolerances are more than six
// standard deviations.
func TestDelayIsUniform(t *testing.T) {
	const n, bound = 20000, 400 * time.Millisecond
	p := retry.Policy{BaseDelay: 100 * time.Millisecond, MaxDelay: time.Second}
	var tenths [10]int
	var sum time.Duration
	for range n {
		d := p.Delay(3, nil)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.Less(t, d, bound)
		tenths[10*d/bound]++
		sum += d
	}
	assert.InDelta(t, bound/2, sum/n, float64(bound)*0.015)
	for i, count := range tenths {
		assert.InDelta(t, n/10, count, n/10*0.14, "tenth %d", i)
	}
}
