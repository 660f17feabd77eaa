package object

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/retry"
)

// Kinds of a Failure besides those of package ltxstore. They do not leave
// Client: each is resolved, or reported as the kind beside it.
var (
	// ErrPrecondition means that the condition of a request did not hold:
	// PutOptions.IfAbsent, or a version.
	ErrPrecondition = errors.New("condition does not hold")

	// ErrConflict means that a conditional write met another that was under
	// way: nothing is known of which one succeeded.
	ErrConflict = errors.New("another write of this name is under way")

	// ErrNoUpload means that an upload is not there any more. It is reported
	// as ltxstore.ErrUnavailable: the write may be done again.
	ErrNoUpload = errors.New("the upload is gone")

	// ErrRange means that a range begins at or past the object's end, or that
	// the store refuses it. Failure.Size tells the object's size, if known.
	ErrRange = errors.New("range cannot be satisfied")
)

// Failure is what an error of a Bucket means.
type Failure struct {
	// Kind is a kind of package ltxstore or fs, one of the kinds above, or nil
	// where none fits. ErrThrottled and ErrUnavailable are repeated; with nil,
	// ltxstore.IsRetryable decides. A 404 counts as fs.ErrNotExist or
	// ErrStoreNotFound only if the store itself says so.
	Kind error

	// Repeat says that the same request may succeed when it is repeated, although
	// Kind says otherwise.
	Repeat bool

	// RetryAfter is how long the store asks to be left alone, 0 if it does not.
	RetryAfter time.Duration

	// Size is the object's size that came with ErrRange, -1 if none did.
	Size int64
}

// KindOf returns the kind that err matches: one of those above, of package
// ltxstore or of fs, or nil. It is where a Bucket's Classify begins.
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

// failed makes an error of a kind.
func failed(kind error, format string, args ...any) error {
	return &outcome{kind: kind, err: fmt.Errorf(format, args...)}
}

// classify tells what err means: what this package has found out comes first.
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

// is reports whether err is of a kind.
func (r *replica) is(err, kind error) bool {
	return err != nil && errors.Is(r.classify(err).Kind, kind)
}

// retryable reports whether the same request may succeed when it is repeated.
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

// after adds to err how long the store asks to be left alone.
func (r *replica) after(err error) error {
	if err == nil {
		return nil
	}
	if delay := r.classify(err).RetryAfter; delay > 0 {
		return &retry.AfterError{Err: err, Delay: delay}
	}
	return err
}

// wrap makes a method's *ltxstore.Error of err. An *ltxstore.Error, and nil,
// stay as they are.
func (r *replica) wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	return &ltxstore.Error{Op: op, Backend: r.Type, Key: key, Kind: public(r.classify(err).Kind, err), Err: r.describe(err)}
}

// describe returns err with a text for people, free of secrets.
func (r *replica) describe(err error) error {
	if d, ok := r.Bucket.(Describer); ok {
		err = d.Describe(err)
	}
	return r.log.Secrets.Error(err)
}

// public returns the kind that a caller sees.
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
