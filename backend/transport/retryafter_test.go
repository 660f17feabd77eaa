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
		now := time.Now().UTC()
		soon := now.Add(30 * time.Second)
		for value, want := range map[string]time.Duration{
			"0": 0, "7": 7 * time.Second, " 120 ": 2 * time.Minute, "007": 7 * time.Second,
			"299": 299 * time.Second, "300": 5 * time.Minute, "301": 5 * time.Minute, "99999999999999999999999999": 5 * time.Minute,
			soon.Format(http.TimeFormat): 30 * time.Second, soon.Format(time.ANSIC): 30 * time.Second,
			soon.Format("Monday, 02-Jan-06 15:04:05") + " GMT": 30 * time.Second,
			now.Format(http.TimeFormat):                        0,
			now.Add(-24 * time.Hour).Format(http.TimeFormat):   0,
			"Fri, 31 Dec 9999 23:59:59 GMT":                    5 * time.Minute,
			"":                                                 0, "  ": 0, "-1": 0, "+1": 0, "1.5": 0, "1s": 0, "1_0": 0, "0x7": 0, "soon": 0, soon.Format(time.RFC3339): 0,
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
