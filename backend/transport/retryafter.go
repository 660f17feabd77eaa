package transport

import (
	"net/http"
	"time"

	"github.com/ltxstore/ltxstore/internal/retry"
)

// RetryAfter returns how long an answer asks to be left alone: what its
// Retry-After header says, in seconds or as a date, between 0 and five minutes.
// It is 0 without the header, and for one that cannot be read.
func RetryAfter(header http.Header) time.Duration {
	delay, _ := retry.ParseRetryAfter(header.Get("Retry-After"), time.Now())
	return delay
}
