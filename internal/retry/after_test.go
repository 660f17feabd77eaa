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

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, tt := range []struct {
		header string
		want   time.Duration
		ok     bool
	}{
		{"0", 0, true},
		{"7", 7 * time.Second, true},
		{" 120 ", 2 * time.Minute, true},
		{"007", 7 * time.Second, true},
		{"300", retry.MaxRetryAfter, true},
		{"301", retry.MaxRetryAfter, true},
		{"99999999999999999999999999", retry.MaxRetryAfter, true},
		{"Sun, 06 Nov 1994 08:50:07 GMT", 30 * time.Second, true},
		{"Sunday, 06-Nov-94 08:50:07 GMT", 30 * time.Second, true},
		{"Sun Nov  6 08:50:07 1994", 30 * time.Second, true},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0, true},
		{"Sat, 05 Nov 1994 08:49:37 GMT", 0, true},
		{"Fri, 31 Dec 9999 23:59:59 GMT", retry.MaxRetryAfter, true},
		{"", 0, false},
		{"  ", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1.5", 0, false},
		{"1s", 0, false},
		{"soon", 0, false},
		{"1994-11-06T08:50:07Z", 0, false},
	} {
		got, ok := retry.ParseRetryAfter(tt.header, now)
		assert.Equal(t, tt.ok, ok, tt.header)
		assert.Equal(t, tt.want, got, tt.header)
	}

	// The caller's zone does not matter.
	got, ok := retry.ParseRetryAfter("Sun, 06 Nov 1994 08:50:07 GMT", now.In(time.FixedZone("here", 3*3600)))
	assert.True(t, ok)
	assert.Equal(t, 30*time.Second, got)
}

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
