package retry

import (
	"errors"
	"time"
)

// MaxRetryAfter limits the wait that a service asks for with Retry-After. A
// service under load asks for seconds; hours come from a wrong clock or a
// misconfigured proxy, and a daemon that waits for hours looks dead.
const MaxRetryAfter = 5 * time.Minute

// AfterError adds the delay of a Retry-After to Err. Its message is that of Err.
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

// RetryAfter returns the result of the first error in the chain with a method
// RetryAfter() time.Duration, limited to 0 to MaxRetryAfter. It returns 0 if
// there is none.
func RetryAfter(err error) time.Duration {
	var after interface{ RetryAfter() time.Duration }
	if !errors.As(err, &after) {
		return 0
	}
	return min(max(after.RetryAfter(), 0), MaxRetryAfter)
}
