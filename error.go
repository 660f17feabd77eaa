package ltxstore

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// These are the kinds of failure that the standard library has no name for.
// The others are fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid
// and errors.ErrUnsupported. With errors.Is, an *Error whose Kind is set
// matches that kind and no other, whatever its cause matches. A PartialError
// matches the kind that all its failures have in common, if there is one.
var (
	// ErrStoreNotFound means that the bucket does not exist, or the root
	// directory of a client that was told to expect one. It never matches
	// fs.ErrNotExist: a missing store is not a missing file (clause O2).
	ErrStoreNotFound = errors.New("store not found")

	// ErrThrottled means that the store asked for fewer requests. Retryable.
	ErrThrottled = errors.New("throttled by the store")

	// ErrUnavailable means that the store could not be reached or failed in a
	// way that may be temporary. Retryable.
	ErrUnavailable = errors.New("store unavailable")

	// ErrChecksum means that content differs from what was written: a
	// checksum does not match, or an LTX structure contradicts itself.
	ErrChecksum = errors.New("content is corrupt")
)

// kinds are all kinds of failure, the more specific ones first.
var kinds = [...]error{ErrStoreNotFound, ErrThrottled, ErrUnavailable, ErrChecksum,
	fs.ErrInvalid, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, errors.ErrUnsupported}

// Error is what every backend returns for a failed operation.
//
// errors.Is matches Kind. errors.Is and errors.As also find what Err wraps,
// including the error of the service's SDK, except for kinds other than Kind.
type Error struct {
	// Op is the operation: "init", "list", "open", "read", "write", "delete"
	// or "delete all".
	Op string

	// Backend is the client's Type.
	Backend string

	// Key is a key of the store: that of a file, as backend.Keys builds it,
	// or a prefix. It is empty if the error is not about a key.
	Key string

	// Field is the argument or the Go field of the Config that is wrong, such
	// as "PartSize" or "Retry.MaxDelay"; Err says what is wrong with it. It
	// is empty for every other failure.
	Field string

	// Kind is one of the kinds above, or nil if none applies.
	Kind error

	// Err is the cause. It may be nil if Kind is sufficient.
	Err error
}

// Error returns one line: "file: open ltx/0000/….ltx: file does not exist".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Backend)
	b.WriteString(": ")
	b.WriteString(e.Op)
	if e.Key != "" {
		b.WriteByte(' ')
		b.WriteString(e.Key)
	}
	// A cause of the same kind already contains it.
	if e.Kind != nil && !errors.Is(e.Err, e.Kind) {
		b.WriteString(": ")
		b.WriteString(e.Kind.Error())
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the kind and the cause. The kind of the cause itself is
// hidden: an SDK may report a missing bucket with an error that matches
// fs.ErrNotExist.
func (e *Error) Unwrap() []error {
	switch {
	case e.Kind == nil && e.Err == nil:
		return nil
	case e.Kind == nil:
		return []error{e.Err}
	case e.Err == nil:
		return []error{e.Kind}
	}
	return []error{e.Kind, unkind{e.Err}}
}

// unkind hides only the kind of an error.
type unkind struct{ err error }

func (u unkind) Error() string        { return u.err.Error() }
func (u unkind) Is(target error) bool { return !isKind(target) && errors.Is(u.err, target) }
func (u unkind) As(target any) bool   { return errors.As(u.err, target) }

func isKind(err error) bool {
	for _, kind := range kinds {
		if err == kind {
			return true
		}
	}
	return false
}

// invalid is backend.Invalid, for the root's own functions.
func invalid(backend, op, field string, value any, want string) error {
	return &Error{Op: op, Backend: backend, Field: field, Kind: fs.ErrInvalid,
		Err: &settings.FieldError{Field: field, Value: value, Want: want}}
}

// KindOf returns the kind that err matches, wherever err comes from, or nil.
// The end of a context has no kind, whatever its cause. A timeout of the
// transport is not the end of a context.
func KindOf(err error) error {
	if errors.Is(err, context.Canceled) || holds(err, context.DeadlineExceeded) {
		return nil
	}
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// IsRetryable reports whether repeating the operation may succeed.
//
//   - ErrThrottled and ErrUnavailable are retryable; no other kind is.
//   - An HTTP response (an error in the chain with HTTPStatusCode() int) is
//     retryable if its status is 408, 429 or 5xx, except 501 and 505.
//   - A transport failure (timeout, reset, refused, a body that ends early)
//     is retryable; a certificate that does not verify is not.
//   - The caller's own cancellation or deadline is never retryable.
//   - A PartialError is retryable if all its failures are: repeating the
//     deletion cannot succeed while one of the files is denied. Likewise,
//     joined errors are retryable if each *Error and PartialError among them
//     is.
//   - An *Error of another kind is not retryable, whatever its cause.
//   - Nothing else is retryable.
//
// A timeout of the transport also matches context.DeadlineExceeded with
// errors.Is; IsRetryable distinguishes it from the caller's deadline by
// identity.
func IsRetryable(err error) bool {
	switch {
	case err == nil, errors.Is(err, context.Canceled), holds(err, context.DeadlineExceeded):
		return false
	}
	if all := failures(err); len(all) > 0 {
		return !slices.ContainsFunc(all, func(err error) bool { return !IsRetryable(err) })
	}
	switch KindOf(err) {
	case ErrThrottled, ErrUnavailable:
		return true
	case nil:
	default:
		return false
	}

	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		if code := answer.HTTPStatusCode(); code != 0 {
			return isRetryableStatus(code)
		}
	}
	return isTransport(err)
}

// failures returns the failures of a PartialError, or the joined errors that
// are or wrap an *Error or a PartialError.
func failures(err error) (all []error) {
	switch e := err.(type) {
	case *PartialError:
		return e.Failed
	case *Error:
		if e.Kind != nil {
			return nil // the kind decides
		}
		return failures(e.Err)
	case interface{ Unwrap() error }:
		return failures(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, joined := range e.Unwrap() {
			if one, many := new(Error), new(PartialError); errors.As(joined, &one) || errors.As(joined, &many) {
				all = append(all, joined)
			}
		}
	}
	return all
}

// isRetryableStatus is IsRetryable for the status of an HTTP response.
func isRetryableStatus(code int) bool {
	switch code {
	case 408, 429:
		return true
	case 501, 505:
		return false
	}
	return code >= 500 && code <= 599
}

func isTransport(err error) bool {
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return false
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	// syscall.Errno has the methods of net.Error too, so a full disk would
	// count as a network failure: errnos are listed instead.
	for _, errno := range []syscall.Errno{syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ECONNABORTED,
		syscall.EPIPE, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
		syscall.EMFILE, syscall.ENFILE, syscall.EINTR, syscall.EAGAIN, syscall.EBUSY} {
		if errors.Is(err, errno) {
			return true
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		var op *net.OpError
		return errors.As(err, &op)
	}
	// A url.Error is a net.Error, whatever it wraps.
	var sent *url.Error
	if errors.As(err, &sent) && sent.Err != io.EOF {
		return isTransport(sent.Err)
	}
	var network net.Error
	return errors.As(err, &network)
}

// holds reports whether err's tree contains target itself, not merely an
// error whose Is method claims to match it.
func holds(err, target error) bool {
	if err == target {
		return true
	}
	switch e := err.(type) {
	case unkind:
		return holds(e.err, target)
	case interface{ Unwrap() error }:
		return holds(e.Unwrap(), target)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if holds(inner, target) {
				return true
			}
		}
	}
	return false
}
