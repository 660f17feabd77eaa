package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/retry"
)

// final is an error that must not be repeated, whatever its kind: the body has failed or
// cannot be read again.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// KindOf returns the kind that err matches: one of package ltxstore, fs.ErrExist, or nil.
// Classify of a Tree may call it first.
func KindOf(err error) error {
	if kind := ltxstore.KindOf(err); kind != nil || !errors.Is(err, fs.ErrExist) {
		return kind
	}
	return fs.ErrExist
}

func (r *replica) classify(err error) Failure {
	var done *ltxstore.Error
	if errors.As(err, &done) {
		return Failure{Kind: done.Kind}
	}
	if r.Disk != nil {
		return r.Disk.Classify(err)
	}
	return r.Tree.Classify(err)
}

// is reports whether err is of that kind.
func (r *replica) is(err, kind error) bool {
	return err != nil && errors.Is(r.classify(err).Kind, kind)
}

// retryable reports whether the same call may succeed if it is repeated.
func (r *replica) retryable(err error) bool {
	var once final
	if errors.As(err, &once) || errors.Is(err, ErrReplaced) {
		return false
	}
	switch kind := r.classify(err).Kind; {
	case kind == nil:
		return ltxstore.IsRetryable(err)
	default:
		return errors.Is(kind, ltxstore.ErrThrottled) || errors.Is(kind, ltxstore.ErrUnavailable)
	}
}

// do calls the Tree, and repeats the call according to the policy.
func (r *replica) do(ctx context.Context, call func(context.Context) error) error {
	return r.policy.Do(ctx, func(ctx context.Context) error {
		err := call(ctx)
		if err == nil {
			return nil
		}
		if delay := r.classify(err).RetryAfter; delay > 0 {
			return &retry.AfterError{Err: err, Delay: delay}
		}
		return err
	})
}

// wrap wraps err in an *ltxstore.Error of a method. It returns an *ltxstore.Error and nil
// unchanged.
func (r *replica) wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	kind := r.classify(err).Kind
	var once final
	switch {
	case kind == nil && !errors.As(err, &once) && ltxstore.IsRetryable(err):
		kind = ltxstore.ErrUnavailable
	case kind == nil:
		kind = ltxstore.KindOf(err)
	}
	if r.Where != "" {
		err = fmt.Errorf("%w (%s)", err, r.Where)
	}
	return &ltxstore.Error{Op: op, Backend: r.Type, Key: key, Kind: kind, Err: r.log.Secrets.Error(err)}
}

// deleted returns the error of a write during which another client has deleted the
// replica. It is retryable, and does not wrap err, which would mean that a file is missing
// (clause O2).
func deleted(err error) error {
	return fmt.Errorf("another client is deleting the replica or its temporary files: %w: %v", ltxstore.ErrUnavailable, err)
}
