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

// callError is the error of a request, with what it was to do: of a 404 that
// matters.
type callError struct {
	op  operation
	err error
}

func (e *callError) Error() string { return e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// Classify implements object.Bucket. It tells the kind of a failure by the
// reason in the API's error, then by the status of its answer.
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
	case strings.Contains(err.Error(), "partial request not satisfied"): // a range that was ignored
		return errors.ErrUnsupported
	}
	return nil
}

// retryable is the judgement of a Config.Client on its own requests. The
// library asks it of nil too.
func retryable(err error) bool {
	if err == nil {
		return false
	}
	kind := kindOf(err)
	return errors.Is(kind, ltxstore.ErrThrottled) || errors.Is(kind, ltxstore.ErrUnavailable)
}

// kindOfReason knows what a status alone does not tell: "Error responses" of
// the JSON API has several reasons for 400 and 403.
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
	case code == http.StatusGone: // an upload's session: "Resumable uploads" says to begin anew
		return object.ErrNoUpload
	case code == http.StatusPreconditionFailed:
		return object.ErrPrecondition
	case code == http.StatusRequestedRangeNotSatisfiable:
		return object.ErrRange
	}
	return transport.KindOfStatus(code)
}

// kindOfMissing tells what a 404 is about, if it is the service's. One that is
// not, a proxy's without a route, says nothing about files: the service may be
// there again in a moment. So may an upload that it does not know: it can be
// begun anew.
func kindOfMissing(op operation, err error) error {
	switch missing := saidMissing(op, err); {
	case op == opChunk && missing != ltxstore.ErrStoreNotFound:
		return object.ErrNoUpload
	case missing != nil:
		return missing
	}
	return ltxstore.ErrUnavailable
}

// How the service begins the message of a 404. It has one reason for both,
// notFound.
const (
	noSuchObject = "No such object"
	noSuchBucket = "The specified bucket does not exist"
)

// saidMissing returns what the service itself says is not there:
// fs.ErrNotExist for the object, ltxstore.ErrStoreNotFound for the bucket, nil
// if it says neither. A message that names none of them, an emulator's, is about
// what the operation is about.
func saidMissing(op operation, err error) error {
	if statusOf(err) != http.StatusNotFound {
		return nil
	}
	said, reason := err.Error(), true // of gRPC, which no proxy speaks
	var api *googleapi.Error
	if errors.As(err, &api) {
		said = cmp.Or(api.Message, api.Body) // asked for content, the service answers in plain text
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

// statusOf returns the HTTP status of the answer, or for a client that speaks
// gRPC the one that means the same; 0 if there was no answer.
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

// isChecksumMismatch knows what the service and the library say of content
// that is not what its checksum says; neither has a reason or type of its own
// for it.
func isChecksumMismatch(err error) bool {
	text := err.Error()
	for _, said := range []string{"storage: bad CRC", "object checksum mismatch", "doesn't match calculated"} {
		if strings.Contains(text, said) {
			return true
		}
	}
	return false
}
