package gcs

import (
	"errors"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/oplog"
	"github.com/ltxstore/ltxstore/internal/retry"
)

// policyOf returns the one retry policy of a replica.
func policyOf(given ltxstore.Retry, log *oplog.Logger) retry.Policy {
	r := given.WithDefaults()
	return retry.Policy{
		MaxAttempts: r.MaxAttempts,
		BaseDelay:   r.BaseDelay,
		MaxDelay:    r.MaxDelay,
		Retryable:   retryable,
		OnRetry:     log.Retried(backend),
	}
}

// retryable reports whether the same request may succeed when it is sent
// again.
func retryable(err error) bool {
	switch kindOf("", err) {
	case ltxstore.ErrThrottled, ltxstore.ErrUnavailable:
		return true
	case nil:
		return ltxstore.IsRetryable(err)
	}
	return false
}

// retryAfter adds to err what its answer says about the time of the next try.
func retryAfter(err error, now time.Time) error {
	var api *googleapi.Error
	if !errors.As(err, &api) {
		return err
	}
	delay, ok := retry.ParseRetryAfter(api.Header.Get("Retry-After"), now)
	if !ok {
		return err
	}
	return &retry.AfterError{Err: err, Delay: delay}
}

// foreignRetries makes a client that is not ours repeat requests as the policy
// says, as far as it can be told: it knows no Retry-After. All that is sent is
// safe to repeat.
func (r *replica) foreignRetries() []storage.RetryOption {
	return []storage.RetryOption{
		storage.WithPolicy(storage.RetryAlways),
		storage.WithMaxAttempts(r.policy.MaxAttempts),
		storage.WithBackoff(gax.Backoff{Initial: r.policy.BaseDelay, Max: r.policy.MaxDelay, Multiplier: 2}),
		storage.WithErrorFunc(retryable),
	}
}
