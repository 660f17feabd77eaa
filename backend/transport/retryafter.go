package transport

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/internal/retry"
)

// RetryAfter returns the wait that an answer's Retry-After header asks for
// (RFC 9110, section 10.2.3), in seconds or as a date, between 0 and five
// minutes. It is 0 if the header is missing or cannot be parsed, and for a
// date in the past.
func RetryAfter(header http.Header) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	// A number too large for an integer is still a clear wish.
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
