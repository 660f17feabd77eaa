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

// Kinds of failure that the standard library has no name for. With errors.Is,
// an *Error whose Kind is set matches that kind and none of the others, these
// or fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid and
// errors.ErrUnsupported, whatever its cause matches. A PartialError matches the
// kind that all of its failures have, and none if they differ.
var (
	// ErrStoreNotFound means that the bucket, or the root directory of a
	// client told to expect one, is not there. It never matches
	// fs.ErrNotExist: a missing store is no missing file (clause O2).
	ErrStoreNotFound = errors.New("store not found")

	// ErrThrottled means that the store asked for fewer requests. Retryable.
	ErrThrottled = errors.New("throttled by the store")

	// ErrUnavailable means that the store could not be reached, or that it
	// failed in a way that may pass. Retryable.
	ErrUnavailable = errors.New("store unavailable")

	// ErrChecksum means that content is not what was written: a checksum
	// differs, or an LTX structure contradicts itself.
	ErrChecksum = errors.New("content is corrupt")
)

// kinds are all kinds of failure, the more exact ones first.
var kinds = [...]error{ErrStoreNotFound, ErrThrottled, ErrUnavailable, ErrChecksum,
	fs.ErrInvalid, fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, errors.ErrUnsupported}

// Error is what every backend returns for a failed operation.
//
// errors.Is finds Kind, errors.Is and errors.As find what Err wraps, the
// service SDK's own error included, but for a kind that is not Kind.
type Error struct {
	// Op is what was tried: "init", "list", "open", "read", "write",
	// "delete" or "delete all".
	Op string

	// Backend is the client's Type.
	Backend string

	// Key is a key of the store: a file's as backend.Keys builds it, or a prefix. It is
	// empty for what is about no key.
	Key string

	// Field is the argument, or the field of the Config in Go, that is wrong
	// ("PartSize", "Retry.MaxDelay"), and empty for every other failure. Err says
	// what is wrong with it.
	Field string

	// Kind is one of the kinds above, or nil where none fits.
	Kind error

	// Err is the cause. It may be nil where Kind says everything.
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
	// A cause that already is the kind says it in its own words.
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

// Unwrap gives errors.Is and errors.As both the kind and the cause, whose own
// kind is hidden: a missing bucket may come with the cause of a missing file.
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

// unkind hides what kind an error is of, and nothing else.
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

// KindOf returns the kind that err, whoever made it, already matches, or nil.
// A context's end has none, whatever cause it was given; a timeout of the
// transport is no end of a context.
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

// IsRetryable reports whether doing the same again may succeed.
//
//   - ErrThrottled and ErrUnavailable are retryable; every other kind is not.
//   - An HTTP answer (an error in the chain with HTTPStatusCode() int) is
//     retryable for 408, 429 and 5xx except 501 and 505, and for nothing else.
//   - A transport failure (timeout, reset, refused, a body that ends early)
//     is retryable; a certificate that does not verify is not.
//   - The caller's own cancellation or deadline never is.
//   - A PartialError is retryable if each of its failures is: the same files
//     again are no success as long as one of them is denied.
//   - Anything else is not.
//
// A timeout of the transport also matches context.DeadlineExceeded in
// errors.Is; it is told from a caller's deadline by identity.
func IsRetryable(err error) bool {
	switch {
	case err == nil, errors.Is(err, context.Canceled), holds(err, context.DeadlineExceeded):
		return false
	}
	if partial := new(PartialError); errors.As(err, &partial) {
		return len(partial.Failed) > 0 && !slices.ContainsFunc(partial.Failed, func(err error) bool { return !IsRetryable(err) })
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

// isRetryableStatus is what IsRetryable says of an HTTP answer.
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
	// syscall.Errno has the methods of net.Error too, so that a full disk
	// would pass for a network failure: errnos are listed instead.
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
	// A url.Error is a net.Error, whatever it is around.
	var sent *url.Error
	if errors.As(err, &sent) && sent.Err != io.EOF {
		return isTransport(sent.Err)
	}
	var network net.Error
	return errors.As(err, &network)
}

// holds reports whether target itself, not an error that merely claims to
// equal it, is in err's tree.
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
