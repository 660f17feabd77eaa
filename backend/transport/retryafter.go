package transport

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/internal/retry"
)

// RetryAfter returns how long an answer asks to be left alone: what its
// Retry-After header says (RFC 9110, section 10.2.3), in seconds or as a date,
// between 0 and five minutes. It is 0 without the header, for a date that has
// passed, and for what cannot be read.
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
