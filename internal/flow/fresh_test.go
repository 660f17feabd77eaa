package flow_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// tokens are fetched one after another: 1, 2, ... Each holds for an hour and is due five minutes before.
type tokens struct {
	flow.Fresh[int64]
	fetched atomic.Int64
	err     error
}

func (s *tokens) fetch(ctx context.Context) (flow.Lease[int64], error) {
	n := s.fetched.Add(1)
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return flow.Lease[int64]{}, ctx.Err()
	}
	expires := time.Now().Add(time.Hour)
	return flow.Lease[int64]{Value: n, Refresh: expires.Add(-5 * time.Minute), Expires: expires}, s.err
}

// get lets n callers ask at once, and returns what all of them get.
func (s *tokens) get(t *testing.T, n int) (int64, error) {
	t.Helper()
	var values, failures sync.Map
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			value, err := s.Get(t.Context(), s.fetch)
			values.Store(value, true)
			failures.Store(err, true)
		})
	}
	wg.Wait()
	only := func(m *sync.Map) (found any) {
		count := 0
		m.Range(func(key, _ any) bool {
			found = key
			count++
			return true
		})
		require.Equal(t, 1, count)
		return found
	}
	err, _ := only(&failures).(error)
	value, _ := only(&values).(int64)
	return value, err
}

func TestFreshIsFetchedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tokens
		for want := range int64(3) {
			for _, wait := range []time.Duration{0, 54 * time.Minute} {
				time.Sleep(wait)
				got, err := s.get(t, 1000)
				require.NoError(t, err)
				assert.Equal(t, want+1, got)
			}
			time.Sleep(2 * time.Minute) // due, not expired
		}
		assert.EqualValues(t, 3, s.fetched.Load())
	})
}

// A failure is for those who wait. A value that has not expired is used instead.
func TestFreshFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := tokens{err: errors.New("down")}
		for range 2 {
			_, err := s.get(t, 100)
			require.ErrorIs(t, err, s.err)
		}
		assert.EqualValues(t, 2, s.fetched.Load(), "one attempt for all, and none is kept")
		down := s.err
		s.err = nil
		got, err := s.get(t, 100)
		require.NoError(t, err)
		assert.EqualValues(t, 3, got)

		s.err = down
		time.Sleep(56 * time.Minute)
		for range 2 {
			got, err = s.get(t, 100)
			require.NoError(t, err)
			assert.EqualValues(t, 3, got)
		}
		assert.EqualValues(t, 4, s.fetched.Load(), "an attempt every half minute")
		time.Sleep(time.Minute)
		_, err = s.get(t, 100)
		require.NoError(t, err)
		assert.EqualValues(t, 5, s.fetched.Load())
		time.Sleep(4 * time.Minute)
		_, err = s.get(t, 100)
		require.ErrorIs(t, err, down, "it has expired")
	})
}

// A value that is due when it comes is fetched again by the next Get.
func TestFreshIsDueAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flow.Fresh[int]
		for want := range 3 {
			got, err := f.Get(t.Context(), func(context.Context) (flow.Lease[int], error) {
				return flow.Lease[int]{Value: want, Refresh: time.Now(), Expires: time.Now().Add(time.Minute)}, nil
			})
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
	})
}

// The context of one caller ends what only that caller waits for.
func TestFreshCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s tokens
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := s.Get(ctx, s.fetch)
			failed <- err
		}()
		synctest.Wait()
		time.AfterFunc(time.Nanosecond, cancel) // when all wait
		got, err := s.get(t, 10)
		require.NoError(t, err)
		assert.EqualValues(t, 1, got)
		require.ErrorIs(t, <-failed, context.Canceled)

		s = tokens{}
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = s.Get(ctx, s.fetch)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		got, err = s.get(t, 1)
		require.NoError(t, err)
		assert.EqualValues(t, 2, got)
	})
}
