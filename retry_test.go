package ltxstore_test

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
)

func TestRetryWithDefaults(t *testing.T) {
	assert.Equal(t, ltxstore.Retry{MaxAttempts: 10, BaseDelay: 100 * time.Millisecond, MaxDelay: 20 * time.Second}, ltxstore.Retry{}.WithDefaults())
	set := ltxstore.Retry{MaxAttempts: 1, BaseDelay: 2, MaxDelay: 3}
	assert.Equal(t, set, set.WithDefaults())
}

func TestRetryValidate(t *testing.T) {
	for _, ok := range []ltxstore.Retry{{}, {MaxAttempts: 1}, {BaseDelay: 20 * time.Second}, {BaseDelay: time.Second, MaxDelay: time.Second}} {
		assert.NoError(t, ok.Validate())
	}
	for want, bad := range map[string]ltxstore.Retry{
		"Retry.MaxAttempts is -1: want 0 (default) or more: invalid argument":          {MaxAttempts: -1},
		"Retry.BaseDelay is -1ns: want 0 (default) or more: invalid argument":          {BaseDelay: -1},
		"Retry.MaxDelay is -1s: want 0 (default) or more: invalid argument":            {MaxDelay: -time.Second},
		"Retry.BaseDelay is 2s: want at most Retry.MaxDelay, 1s: invalid argument":     {BaseDelay: 2 * time.Second, MaxDelay: time.Second},
		"Retry.BaseDelay is 1m0s: want at most Retry.MaxDelay, 20s: invalid argument":  {BaseDelay: time.Minute},
		"Retry.BaseDelay is 100ms: want at most Retry.MaxDelay, 1ms: invalid argument": {MaxDelay: time.Millisecond},
	} {
		err := bad.Validate()
		assert.EqualError(t, err, want)
		assert.ErrorIs(t, err, fs.ErrInvalid)
	}
}
