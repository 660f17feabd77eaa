package ltxstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// What is said of the whole is true of each failure.
func TestPartialHasTheKindOfAll(t *testing.T) {
	failure := func(kind error) error {
		return &ltxstore.Error{Op: "delete", Backend: "mock", Key: "k", Kind: kind, Err: errors.New("cause")}
	}
	for _, tt := range []struct {
		failed    []error
		kind      error
		retryable bool
	}{
		{failed: []error{failure(fs.ErrPermission), failure(fs.ErrPermission)}, kind: fs.ErrPermission},
		{failed: []error{failure(ltxstore.ErrThrottled), failure(ltxstore.ErrThrottled)}, kind: ltxstore.ErrThrottled, retryable: true},
		{failed: []error{failure(ltxstore.ErrThrottled), failure(ltxstore.ErrUnavailable)}, retryable: true},
		{failed: []error{failure(ltxstore.ErrThrottled), failure(fs.ErrPermission)}},
		{failed: []error{failure(fs.ErrPermission), failure(ltxstore.ErrThrottled)}},
		{failed: []error{failure(ltxstore.ErrThrottled), failure(nil)}},
		{failed: []error{failure(nil), failure(nil)}},
		{failed: []error{failure(ltxstore.ErrThrottled), failure(ltxstore.ErrThrottled), context.Canceled}},
		{failed: []error{failure(ltxstore.ErrUnavailable), &ltxstore.PartialError{Failed: []error{failure(fs.ErrExist)}}}},
		{failed: []error{errors.Join(failure(fs.ErrExist), failure(fs.ErrPermission)), failure(fs.ErrExist)}, kind: fs.ErrExist},
		{failed: []error{errors.Join(failure(ltxstore.ErrUnavailable), failure(fs.ErrPermission)), failure(fs.ErrPermission)}},
	} {
		for _, err := range []error{
			backend.Partial("mock", "delete", tt.failed, 9),
			fmt.Errorf("copy: %w", &ltxstore.PartialError{Failed: tt.failed}),
		} {
			assert.Equal(t, tt.retryable, ltxstore.IsRetryable(err), "%v", err)
			assert.Equal(t, tt.kind, ltxstore.KindOf(err), "%v", err)
			for _, kind := range kinds {
				assert.Equal(t, kind == tt.kind, errors.Is(err, kind), "%v: %v", kind, err)
			}
			for _, failed := range tt.failed {
				if _, ok := failed.(*ltxstore.Error); ok {
					assert.ErrorIs(t, err, failed)
				}
			}
			var own *ltxstore.Error
			require.ErrorAs(t, err, &own)
		}
		var own *ltxstore.Error
		require.ErrorAs(t, backend.Partial("mock", "delete", tt.failed, 9), &own)
		assert.Equal(t, tt.kind, own.Kind)
	}
	assert.ErrorIs(t, backend.Partial("mock", "delete", []error{failure(fs.ErrExist), context.Canceled}, 2), context.Canceled)
	assert.False(t, ltxstore.IsRetryable(&ltxstore.PartialError{}))
	assert.NoError(t, ltxstore.KindOf(&ltxstore.PartialError{}))
}

func TestPartialText(t *testing.T) {
	named := func(n int) (failed []error, text string) {
		for i := range n {
			failed = append(failed, fmt.Errorf("no %d", i))
			text += fmt.Sprintf("; no %d", i)
		}
		return failed, text
	}
	one, _ := named(1)
	assert.EqualError(t, &ltxstore.PartialError{Failed: one}, "1 failed; no 0", "of an unknown number")
	assert.EqualError(t, &ltxstore.PartialError{Failed: one, Total: 3}, "1 of 3 failed; no 0")
	twenty, text := named(20)
	assert.EqualError(t, &ltxstore.PartialError{Failed: twenty}, "20 failed"+text)
	more, _ := named(23)
	assert.EqualError(t, &ltxstore.PartialError{Failed: more, Total: 30}, "23 of 30 failed"+text+"; and 3 more")
}

// transportTimeout is as net and net/http have theirs.
type transportTimeout struct{ timeoutError }

func (transportTimeout) Is(target error) bool { return target == context.DeadlineExceeded }

func TestKindOf(t *testing.T) {
	for _, kind := range []error{ltxstore.ErrStoreNotFound, ltxstore.ErrThrottled, ltxstore.ErrUnavailable, ltxstore.ErrChecksum,
		fs.ErrInvalid, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, errors.ErrUnsupported} {
		assert.Equal(t, kind, ltxstore.KindOf(fmt.Errorf("wrapped: %w", kind)))
	}
	assert.NoError(t, ltxstore.KindOf(nil))
	assert.NoError(t, ltxstore.KindOf(errors.New("something else")))
	assert.NoError(t, ltxstore.KindOf(fmt.Errorf("%w: %w", context.Canceled, fs.ErrPermission)), "a canceller's cause is not the store's answer")
	assert.NoError(t, ltxstore.KindOf(fmt.Errorf("%w: %w", fs.ErrExist, context.DeadlineExceeded)))
	timeout := &ltxstore.Error{Kind: ltxstore.ErrUnavailable, Err: &net.OpError{Op: "read", Err: transportTimeout{}}}
	require.ErrorIs(t, timeout, context.DeadlineExceeded)
	assert.Equal(t, ltxstore.ErrUnavailable, ltxstore.KindOf(timeout), "the transport's timeout")
	assert.Equal(t, ltxstore.ErrStoreNotFound, ltxstore.KindOf(errors.Join(fs.ErrNotExist, ltxstore.ErrStoreNotFound)), "the more exact one")
}
