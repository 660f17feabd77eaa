package retry_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/retry"
)

func TestAfterError(t *testing.T) {
	inner := &fs.PathError{Op: "put", Path: "x", Err: errors.New("503")}
	err := fmt.Errorf("try: %w", &retry.AfterError{Err: inner, Delay: 3 * time.Second})
	assert.EqualError(t, err, "try: put x: 503")
	var got *fs.PathError
	require.ErrorAs(t, err, &got)
	assert.Same(t, inner, got)
	assert.Equal(t, 3*time.Second, retry.RetryAfter(err))
	assert.Equal(t, 3*time.Second, retry.Policy{}.Delay(1, err))
}

func TestRetryAfterIsBounded(t *testing.T) {
	assert.Zero(t, retry.RetryAfter(nil))
	assert.Zero(t, retry.RetryAfter(errors.New("plain")))
	assert.Zero(t, retry.RetryAfter(&retry.AfterError{Err: errors.New("x"), Delay: -time.Hour}))
	assert.Equal(t, retry.MaxRetryAfter, retry.RetryAfter(&retry.AfterError{Err: errors.New("x"), Delay: 24 * time.Hour}))
}

// Another package's error, which knows nothing of this one.
type foreign struct{ error }

func (foreign) RetryAfter() time.Duration { return 2 * time.Second }

func TestRetryAfterOfForeignError(t *testing.T) {
	assert.Equal(t, 2*time.Second, retry.RetryAfter(fmt.Errorf("w: %w", foreign{errors.New("x")})))
}
