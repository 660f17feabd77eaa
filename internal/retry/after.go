package retry

import (
	"errors"
	"math"
	"strings"
	"time"
)

// MaxRetryAfter is the most that a service's Retry-After makes a request wait.
// A service under load names seconds; hours are a broken clock or a broken
// proxy, and a daemon that slept for them would look dead.
const MaxRetryAfter = 5 * time.Minute

// AfterError carries the time that a service wants to be left alone. It reads
// and unwraps as Err.
type AfterError struct {
	Err   error
	Delay time.Duration
}

// Error returns the message of Err.
func (e *AfterError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *AfterError) Unwrap() error { return e.Err }

// RetryAfter returns Delay.
func (e *AfterError) RetryAfter() time.Duration { return e.Delay }

// RetryAfter returns what the first error in the chain with a method
// RetryAfter() time.Duration asks for, between 0 and MaxRetryAfter; 0 if there
// is none.
func RetryAfter(err error) time.Duration {
	var after interface{ RetryAfter() time.Duration }
	if !errors.As(err, &after) {
		return 0
	}
	return clamp(after.RetryAfter())
}

// ParseRetryAfter reads the value of an HTTP Retry-After header (RFC 9110,
// section 10.2.3): a number of seconds, or a date, of which now is
// subtracted. A date that has passed is 0; what is longer than MaxRetryAfter
// is cut to that. ok is false if header is neither.
func ParseRetryAfter(header string, now time.Time) (delay time.Duration, ok bool) {
	header = strings.TrimSpace(header)
	if seconds, ok := parseSeconds(header); ok {
		return seconds, true
	}
	// The three forms that RFC 9110 has a recipient accept. They are listed
	// here because net/http, which knows them too, is a large import.
	for _, form := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC} {
		if date, err := time.Parse(form, header); err == nil {
			return clamp(date.Sub(now)), true
		}
	}
	return 0, false
}

// parseSeconds accepts any number of digits, since a number too large for an
// int is still a clear wish.
func parseSeconds(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	var seconds int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		seconds = min(seconds*10+int64(s[i]-'0'), math.MaxInt32)
	}
	return clamp(time.Duration(seconds) * time.Second), true
}

func clamp(d time.Duration) time.Duration {
	return min(max(d, 0), MaxRetryAfter)
}
