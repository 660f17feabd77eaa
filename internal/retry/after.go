package retry

import (
	"errors"
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
	return min(max(after.RetryAfter(), 0), MaxRetryAfter)
}
