package object

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/retry"
)

// Kinds of a Failure in addition to those of package ltxstore. Client does not return
// them: each is resolved, or reported as another kind.
var (
	// ErrPrecondition means that the condition of a request did not hold:
	// PutOptions.IfAbsent, or a version.
	ErrPrecondition = errors.New("condition does not hold")

	// ErrConflict means that a conditional write conflicts with a concurrent
	// one, and it is unknown which of them succeeded.
	ErrConflict = errors.New("another write of this name is in progress")

	// ErrNoUpload means that an upload no longer exists. It is reported as
	// ltxstore.ErrUnavailable, because the write may be repeated.
	ErrNoUpload = errors.New("the upload no longer exists")

	// ErrRange means that a range starts at or after the object's end, or that
	// the store rejects it. Failure.Size is the object's size, if known.
	ErrRange = errors.New("range cannot be satisfied")
)

// Failure is the meaning of an error of a Bucket.
type Failure struct {
	// Kind is a kind of package ltxstore or fs, one of the kinds above, or nil
	// if none fits. ErrThrottled and ErrUnavailable are repeated; with nil,
	// ltxstore.IsRetryable decides. A 404 must only be fs.ErrNotExist or
	// ErrStoreNotFound if it comes from the store itself.
	Kind error

	// Repeat means that the same request may succeed if it is repeated, regardless
	// of Kind.
	Repeat bool

	// RetryAfter is how long the store asks to wait, or 0.
	RetryAfter time.Duration

	// Size is the object's size in the response for ErrRange, or -1 if unknown.
	Size int64
}

// KindOf returns the kind that err matches: one of those above, of package ltxstore
// or of fs, or nil. Classify of a Bucket may call it first.
func KindOf(err error) error {
	for _, kind := range []error{ErrPrecondition, ErrConflict, ErrNoUpload, ErrRange} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return ltxstore.KindOf(err)
}

// outcome is an error that Client has made, with its kind.
type outcome struct {
	kind error
	err  error
}

func (e *outcome) Error() string { return e.err.Error() }
func (e *outcome) Unwrap() []error {
	if e.kind == nil {
		return []error{e.err}
	}
	return []error{e.kind, e.err}
}

// failed returns an error of a kind.
func failed(kind error, format string, args ...any) error {
	return &outcome{kind: kind, err: fmt.Errorf(format, args...)}
}

// classify returns the meaning of err: kinds determined by this package come first.
func (r *replica) classify(err error) Failure {
	var own *outcome
	if errors.As(err, &own) {
		return Failure{Kind: own.kind, Size: -1, RetryAfter: retry.RetryAfter(err)}
	}
	var done *ltxstore.Error
	if errors.As(err, &done) {
		return Failure{Kind: done.Kind, Size: -1}
	}
	if errors.Is(err, errTorn) {
		return Failure{Kind: fs.ErrNotExist, Size: -1}
	}
	return r.Bucket.Classify(err)
}

// is reports whether err is of that kind.
func (r *replica) is(err, kind error) bool {
	return err != nil && errors.Is(r.classify(err).Kind, kind)
}

// retryable reports whether the same request may succeed if it is repeated.
func (r *replica) retryable(err error) bool {
	switch f := r.classify(err); {
	case f.Repeat:
		return true
	case f.Kind == nil:
		return ltxstore.IsRetryable(err)
	default:
		return errors.Is(f.Kind, ltxstore.ErrThrottled) || errors.Is(f.Kind, ltxstore.ErrUnavailable)
	}
}

// after adds to err how long the store asks to wait.
func (r *replica) after(err error) error {
	if err == nil {
		return nil
	}
	if delay := r.classify(err).RetryAfter; delay > 0 {
		return &retry.AfterError{Err: err, Delay: delay}
	}
	return err
}

// wrap wraps err in an *ltxstore.Error of a method. It returns an *ltxstore.Error and
// nil unchanged.
func (r *replica) wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	return &ltxstore.Error{Op: op, Backend: r.Type, Key: key, Kind: public(r.classify(err).Kind, err), Err: r.describe(err)}
}

// describe returns err with a text for people, without secrets.
func (r *replica) describe(err error) error {
	if d, ok := r.Bucket.(Describer); ok {
		err = d.Describe(err)
	}
	return r.log.Secrets.Error(err)
}

// public returns the kind for the caller.
func public(kind, err error) error {
	switch {
	case kind == nil:
		if ltxstore.IsRetryable(err) {
			return ltxstore.ErrUnavailable
		}
		return ltxstore.KindOf(err)
	case errors.Is(kind, ErrConflict), errors.Is(kind, ErrNoUpload):
		return ltxstore.ErrUnavailable
	case errors.Is(kind, ErrPrecondition), errors.Is(kind, ErrRange):
		return nil
	}
	return kind
}
