package s3

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/oplog"
	"github.com/ltxstore/ltxstore/internal/retry"
)

// policyOf returns the one retry policy of a replica.
func policyOf(given ltxstore.Retry, log *oplog.Logger) retry.Policy {
	r, retried := given.WithDefaults(), log.Retried(backend)
	return retry.Policy{
		MaxAttempts: r.MaxAttempts,
		BaseDelay:   r.BaseDelay,
		MaxDelay:    r.MaxDelay,
		Retryable:   retryable,
		OnRetry: func(attempt int, wait time.Duration, err error) {
			retried(attempt, wait, place{secrets: &log.Secrets}.describe(err))
		},
	}
}

// retryable reports whether the same request may succeed when it is sent
// again. The SDK's own list is not asked: it has neither 408 nor a code of
// RequestCanceled.
func retryable(err error) bool {
	// The SDK says so of an answer that tells of a wrong clock, once it has
	// learnt the difference and will sign with it.
	var skew interface{ RetryableError() bool }
	if errors.As(err, &skew) && skew.RetryableError() && statusOf(err) != 0 {
		return true
	}
	switch kindOf(err) {
	case ltxstore.ErrThrottled, ltxstore.ErrUnavailable:
		return true
	case nil:
		return ltxstore.IsRetryable(err)
	}
	return false
}

// retryAfter adds to err what its answer says about the time of the next try.
func retryAfter(err error, now time.Time) error {
	delay, ok := retry.ParseRetryAfter(headerOf(err).Get("Retry-After"), now)
	if !ok {
		return err
	}
	return &retry.AfterError{Err: err, Delay: delay}
}

// retryer makes the SDK repeat requests as a retry.Policy says. It gives out
// tokens without counting them: a budget that all requests share drains in an
// outage and then fails those that were never tried.
type retryer struct {
	policy retry.Policy
	now    func() time.Time
}

var _ aws.RetryerV2 = retryer{}

func (r retryer) IsErrorRetryable(err error) bool { return r.policy.Retryable(err) }
func (r retryer) MaxAttempts() int                { return max(r.policy.MaxAttempts, 1) }

// RetryDelay is a floor of Retry-After below a jittered wait. The SDK's sleep
// ends with the request's context.
func (r retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	wait := r.policy.Delay(attempt, retryAfter(err, r.now()))
	if r.policy.OnRetry != nil {
		r.policy.OnRetry(attempt, wait, err)
	}
	return wait, nil
}

func (retryer) GetRetryToken(context.Context, error) (func(error) error, error) { return free, nil }
func (retryer) GetAttemptToken(context.Context) (func(error) error, error)      { return free, nil }
func (retryer) GetInitialToken() func(error) error                              { return free }

func free(error) error { return nil }
