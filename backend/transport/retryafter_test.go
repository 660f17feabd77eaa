package transport_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/backend/transport"
)

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"":       0,
			"soon":   0,
			"-1":     0,
			"7":      7 * time.Second,
			"999999": 5 * time.Minute,
			time.Now().UTC().Add(9 * time.Second).Format(http.TimeFormat): 9 * time.Second,
		} {
			assert.Equal(t, want, transport.RetryAfter(http.Header{"Retry-After": {value}}), "%q", value)
		}
	})
}

func TestDefault(t *testing.T) {
	d := transport.Default()
	assert.Equal(t, 64, d.MaxConnsPerHost)
	assert.Equal(t, 32, d.MaxIdleConnsPerHost)
	assert.Equal(t, time.Minute, d.ResponseHeaderTimeout)
	assert.True(t, d.DisableCompression)
}
