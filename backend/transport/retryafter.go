package transport

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/internal/retry"
)

// RetryAfter returns the wait in the Retry-After header of a response (RFC 9110, section
// 10.2.3), which has seconds or a date. It is at most five minutes, and 0 if the header
// is missing, cannot be parsed, or is a date in the past.
func RetryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	// A number that is too large for an integer means a long wait.
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(retry.MaxRetryAfter/time.Second))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(time.Until(date), 0), retry.MaxRetryAfter)
}
