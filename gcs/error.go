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
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// wrap makes a method's *ltxstore.Error of err. An *ltxstore.Error, and nil,
// stay as they are. The API's error stays reachable by errors.As; the text is
// free of what may not be logged.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	return &ltxstore.Error{Op: op, Backend: backend, Key: key, Kind: kindOf(op, err), Err: scrub.Error(err)}
}

// kindOf tells the kind of a failed operation by the reason in the API's
// error, then by the status of its answer.
func kindOf(op string, err error) error {
	if kind := kindOfReason(err); kind != nil {
		return kind
	}
	if code := statusOf(err); code != 0 {
		return kindOfStatus(op, code, err)
	}
	if kind := ltxstore.KindOf(err); kind != nil {
		return kind
	}
	switch {
	case isChecksumMismatch(err), errors.Is(err, verify.ErrMismatch):
		return ltxstore.ErrChecksum
	case ltxstore.IsRetryable(err), errors.Is(err, verify.ErrAbsent):
		return ltxstore.ErrUnavailable
	case strings.Contains(err.Error(), "partial request not satisfied"): // a range that was ignored
		return errors.ErrUnsupported
	}
	return nil
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

func kindOfStatus(op string, code int, err error) error {
	switch {
	case code == http.StatusNotFound:
		return kindOfMissing(op, err)
	case code == http.StatusGone: // an upload's session: "Resumable uploads" says to begin anew
		return ltxstore.ErrUnavailable
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fs.ErrPermission
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		return ltxstore.ErrThrottled
	case code == http.StatusNotImplemented, code == http.StatusMethodNotAllowed:
		return errors.ErrUnsupported
	case ltxstore.IsRetryableStatus(code):
		return ltxstore.ErrUnavailable
	}
	return nil
}

// kindOfMissing tells what a 404 is about, if it is the service's. One that is
// not, a proxy's without a route, says nothing about files: the service may be
// there again in a moment. So may an upload that it does not know: it can be
// begun anew.
func kindOfMissing(op string, err error) error {
	switch missing := saidMissing(op, err); {
	case op == "write" && sessionLost(err) && missing != ltxstore.ErrStoreNotFound:
		return ltxstore.ErrUnavailable
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
func saidMissing(op string, err error) error {
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
	case "open", "read", "":
		return fs.ErrNotExist
	}
	return ltxstore.ErrStoreNotFound
}

// isGone reports that the service says that an object to delete was not there.
func isGone(err error) bool { return saidMissing("", err) == fs.ErrNotExist }

// isMissing reports that the object, not the bucket, is not there.
func isMissing(err error) bool { return err != nil && errors.Is(kindOf("open", err), fs.ErrNotExist) }

// errSession is added to a failure of an upload that had begun.
var errSession = errors.New("the upload had begun")

func sessionLost(err error) bool { return errors.Is(err, errSession) }

// isSessionGone reports that the service does not know an upload any more.
func isSessionGone(err error) bool {
	status := statusOf(err)
	return sessionLost(err) && (status == http.StatusNotFound || status == http.StatusGone)
}

// isPreconditionFailed reports that the condition of a request did not hold.
func isPreconditionFailed(err error) bool { return statusOf(err) == http.StatusPreconditionFailed }

// isInvalidRange reports that a range begins at or past the object's end.
func isInvalidRange(err error) bool {
	return statusOf(err) == http.StatusRequestedRangeNotSatisfiable
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
	switch rpc.GRPCStatus().Code() {
	case codes.NotFound:
		return http.StatusNotFound
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.FailedPrecondition:
		return http.StatusPreconditionFailed
	case codes.OutOfRange:
		return http.StatusRequestedRangeNotSatisfiable
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	case codes.Internal, codes.Unknown, codes.DataLoss:
		return http.StatusInternalServerError
	case codes.Unimplemented:
		return http.StatusNotImplemented
	}
	return 0
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
