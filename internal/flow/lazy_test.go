package flow_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/flow"
)

func TestValue(t *testing.T) {
	var v flow.Lazy[int]
	failure := errors.New("not yet")
	_, err := v.Get(t.Context(), func(context.Context) (*int, error) { return nil, failure })
	require.ErrorIs(t, err, failure)

	var made atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			got, err := v.Get(t.Context(), func(context.Context) (*int, error) {
				made.Add(1)
				return new(int), nil
			})
			assert.NoError(t, err)
			assert.Same(t, v.Load(), got)
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, made.Load())

	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = v.Get(done, nil)
	assert.ErrorIs(t, err, context.Canceled, "nothing is started under a context already done")
}

func TestValueWaitsNoLongerThanItsContext(t *testing.T) {
	var v flow.Lazy[int]
	begun, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := v.Get(t.Context(), func(context.Context) (*int, error) {
			close(begun)
			<-release
			return new(int), nil
		})
		assert.NoError(t, err)
	})
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(cancel)
	_, err := v.Get(ctx, func(context.Context) (*int, error) { panic("two at once") })
	assert.ErrorIs(t, err, context.Canceled)
	close(release)
	wg.Wait()
}
