package flow_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// A value is made for the first user of its key, kept while there is one, and then made anew.
func TestShared(t *testing.T) {
	var s flow.Shared[string, *int]
	built := 0
	build := func() (*int, error) { built++; return new(built), nil }
	use := func(key string) (*int, func() bool) {
		value, release, err := s.Use(key, build)
		require.NoError(t, err)
		return value, release
	}
	failed := errors.New("failed")
	_, _, err := s.Use("a", func() (*int, error) { return nil, failed })
	require.ErrorIs(t, err, failed)
	first, release := use("a")
	same, releaseToo := use("a")
	assert.Same(t, first, same)
	other, releaseOther := use("b")
	assert.NotSame(t, first, other)
	assert.True(t, releaseOther())

	assert.False(t, release())
	assert.False(t, release(), "counts once")
	third, releaseThird := use("a")
	assert.Same(t, first, third)
	assert.False(t, releaseThird())
	assert.True(t, releaseToo())
	assert.True(t, release(), "nobody is left")
	fresh, releaseFresh := use("a")
	assert.NotSame(t, first, fresh)
	assert.True(t, releaseToo(), "the next value is another")
	assert.True(t, releaseFresh())
	assert.Equal(t, 3, built)
}
