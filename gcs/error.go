package gcs

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// callError is the error of a request, with its operation, which decides what a
// 404 means.
type callError struct {
	op  operation
	err error
}

func (e *callError) Error() string { return e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// Classify implements object.Bucket. The kind of a failure follows from the
// reason in the API's error, or else from the status of the response.
func (b *bucket) Classify(err error) object.Failure {
	api := new(googleapi.Error)
	errors.As(err, &api)
	return transport.Failure(kindOf(err), api.Header)
}

func kindOf(err error) error {
	if kind := kindOfReason(err); kind != nil {
		return kind
	}
	op := opRead
	var call *callError
	if errors.As(err, &call) {
		op = call.op
	}
	if code := statusOf(err); code != 0 {
		return kindOfStatus(op, code, err)
	}
	if kind := object.KindOf(err); kind != nil {
		return kind
	}
	switch {
	case isChecksumMismatch(err):
		return ltxstore.ErrChecksum
	case ltxstore.IsRetryable(err):
		return ltxstore.ErrUnavailable
	case strings.Contains(err.Error(), "partial request not satisfied"): // the range was ignored
		return errors.ErrUnsupported
	}
	return nil
}

// retryable tells a Config.Client which errors to retry. The library calls it with
// nil too.
func retryable(err error) bool {
	if err == nil {
		return false
	}
	kind := kindOf(err)
	return errors.Is(kind, ltxstore.ErrThrottled) || errors.Is(kind, ltxstore.ErrUnavailable)
}

// kindOfReason returns the kind of an error if the status alone does not
// determine it: "Error responses" of the JSON API has several reasons for 400 and
// 403.
func kindOfReason(err error) error {
	var api *googleapi.Error
	if !errors.As(err, &api) {
		return nil
	}
	for _, item := range api.Errors {
		switch item.Reason {
		case "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded":
			return ltxstore.ErrThrottled
		}
	}
	if api.Code == http.StatusBadRequest && isChecksumMismatch(err) {
		return ltxstore.ErrChecksum
	}
	return nil
}

func kindOfStatus(op operation, code int, err error) error {
	switch {
	case code == http.StatusNotFound:
		return kindOfMissing(op, err)
	case code == http.StatusGone: // of an upload, which must start over: "Resumable uploads"
		return object.ErrNoUpload
	case code == http.StatusPreconditionFailed:
		return object.ErrPrecondition
	case code == http.StatusRequestedRangeNotSatisfiable:
		return object.ErrRange
	}
	return transport.KindOfStatus(code)
}

// kindOfMissing returns the kind of a 404. If it is not from the service but, for
// example, from a proxy without a route, it says nothing about files, and the
// service may soon be available again. An unknown upload can be started over.
func kindOfMissing(op operation, err error) error {
	switch missing := saidMissing(op, err); {
	case op == opChunk && missing != ltxstore.ErrStoreNotFound:
		return object.ErrNoUpload
	case missing != nil:
		return missing
	}
	return ltxstore.ErrUnavailable
}

// The messages of a 404 start with these texts. The reason of both is notFound.
const (
	noSuchObject = "No such object"
	noSuchBucket = "The specified bucket does not exist"
)

// saidMissing returns what is missing according to the service itself:
// fs.ErrNotExist for the object, ltxstore.ErrStoreNotFound for the bucket, nil if
// the error is not a 404 of the service. If the message of a 404 names neither, as
// that of an emulator, the operation decides.
func saidMissing(op operation, err error) error {
	if statusOf(err) != http.StatusNotFound {
		return nil
	}
	said, reason := err.Error(), true // for gRPC: not from a proxy
	var api *googleapi.Error
	if errors.As(err, &api) {
		said = cmp.Or(api.Message, api.Body) // errors of reads are plain text
		reason = slices.ContainsFunc(api.Errors, func(e googleapi.ErrorItem) bool { return e.Reason == "notFound" })
	}
	said = strings.TrimSpace(said)
	switch {
	case strings.HasPrefix(said, noSuchBucket), api == nil && strings.Contains(said, "bucket does not exist"):
		return ltxstore.ErrStoreNotFound
	case strings.HasPrefix(said, noSuchObject), api == nil && strings.Contains(said, noSuchObject):
		return fs.ErrNotExist
	case !reason:
		return nil
	}
	switch op {
	case opRead, opAttrs, opDelete:
		return fs.ErrNotExist
	}
	return ltxstore.ErrStoreNotFound
}

// statusOf returns the HTTP status of the response, or the equivalent of a gRPC
// status; 0 if there was no response.
func statusOf(err error) int {
	var api *googleapi.Error
	if errors.As(err, &api) {
		return api.Code
	}
	var rpc interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &rpc) {
		return 0
	}
	return statuses[rpc.GRPCStatus().Code()]
}

var statuses = map[codes.Code]int{
	codes.NotFound:           http.StatusNotFound,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.Unauthenticated:    http.StatusUnauthorized,
	codes.FailedPrecondition: http.StatusPreconditionFailed,
	codes.OutOfRange:         http.StatusRequestedRangeNotSatisfiable,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.Internal:           http.StatusInternalServerError,
	codes.Unknown:            http.StatusInternalServerError,
	codes.DataLoss:           http.StatusInternalServerError,
	codes.Unimplemented:      http.StatusNotImplemented,
}

// isChecksumMismatch reports whether content does not match its checksum. Neither
// the service nor the library has a reason or type for that error, only messages.
func isChecksumMismatch(err error) bool {
	text := err.Error()
	for _, said := range []string{"storage: bad CRC", "object checksum mismatch", "doesn't match calculated"} {
		if strings.Contains(text, said) {
			return true
		}
	}
	return false
}
