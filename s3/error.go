package s3

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/transport"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// wrap is place.wrap for what happens before anything is sent.
func wrap(op, key string, err error) error { return place{}.wrap(op, key, err) }

func (r *replica) wrap(op, key string, err error) error {
	return r.cfg.place(&r.log.Secrets).wrap(op, key, err)
}

// wrap makes a method's *ltxstore.Error of err. An *ltxstore.Error, and nil,
// stay as they are. The SDK's error stays reachable by errors.As; the text is
// free of what may not be logged.
func (p place) wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*ltxstore.Error); ok {
		return done
	}
	return &ltxstore.Error{Op: op, Backend: backend, Key: key, Kind: kindOf(err), Err: p.describe(err)}
}

// kindOf tells the kind by the error's code, then by the HTTP status: a body
// may be empty, or a proxy's HTML, and statuses are shared by many codes.
func kindOf(err error) error {
	if err == nil {
		return nil
	}
	var foreign *foreignError
	var missing *credentialsError
	switch code := codeOf(err); {
	case errors.As(err, &missing):
		return missing.kind()
	case transport.Speaks(err) != "":
		return fs.ErrInvalid
	case code == codeArchived, isSkewed(err): // nobody is to have other permissions
		return nil
	}
	if errors.As(err, &foreign) && ltxstore.KindOf(err) != nil {
		return cmp.Or(foreign.kind, ltxstore.ErrUnavailable)
	}
	if kind := kindOfCode(codeOf(err)); kind != nil {
		return kind
	}
	if status := statusOf(err); status != 0 {
		return kindOfStatus(status, err)
	}
	if kind := ltxstore.KindOf(err); kind != nil {
		return kind
	}
	switch {
	case isChecksumMismatch(err), errors.Is(err, verify.ErrMismatch):
		return ltxstore.ErrChecksum
	case isTransport(err), errors.Is(err, verify.ErrAbsent):
		return ltxstore.ErrUnavailable
	}
	return nil
}

func kindOfCode(code string) error {
	switch code {
	case "NoSuchBucket", "NoSuchAccessPoint":
		return ltxstore.ErrStoreNotFound
	case "NoSuchKey", "NoSuchVersion":
		return fs.ErrNotExist
	case "AccessDenied", "AccessDeniedException", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired", "AllAccessDisabled",
		"AccountProblem", "InvalidSecurity", "NotSignedUp", "UnauthorizedAccess",
		"XAdminUserNotFound": // a 404 of versitygw for an unknown access key
		return fs.ErrPermission
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "TooManyRequests", "TooManyRequestsException", "Throttling",
		"ThrottlingException", "RequestThrottled", "RequestLimitExceeded", "BandwidthLimitExceeded",
		"ServiceUnavailable", "Busy":
		return ltxstore.ErrThrottled
	// Several of these come with a status that says something else: 200 from
	// CompleteMultipartUpload, 400 for a timeout.
	case "InternalError", "InternalFailure", "RequestTimeout", "RequestTimeoutException", "RequestCanceled",
		"IncompleteBody", "OperationAborted":
		return ltxstore.ErrUnavailable
	case "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ChecksumMismatch":
		return ltxstore.ErrChecksum
	case "NotImplemented", "MethodNotAllowed":
		return errors.ErrUnsupported
	}
	return nil
}

func kindOfStatus(status int, err error) error {
	switch {
	case status == http.StatusNotFound:
		return kindOfMissing(err)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fs.ErrPermission
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return ltxstore.ErrThrottled
	case isUnsupported(status):
		return errors.ErrUnsupported
	case ltxstore.IsRetryableStatus(status):
		return ltxstore.ErrUnavailable
	// The answer was fine, but it broke off, or is not what was sent.
	case status < 300 && isChecksumMismatch(err):
		return ltxstore.ErrChecksum
	case status < 300 && isBrokenOff(err):
		return ltxstore.ErrUnavailable
	}
	return nil
}

// kindOfMissing tells what a 404 without a telling code is about; refuseForeign
// has seen that it is the service's, but for a HEAD's, which has no body to say
// so: see confirm. Reading an object, it is the object. Writing, listing and
// deleting have nothing but the bucket to miss. A code that says something
// else, of an upload or a user, is believed.
func kindOfMissing(err error) error {
	switch codeOf(err) {
	case "", "UnknownError", "NotFound":
	default:
		return nil
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		switch operation.OperationName {
		case "GetObject", "HeadObject":
			return fs.ErrNotExist
		}
	}
	return ltxstore.ErrStoreNotFound
}

// isMissing reports that the object, not the bucket, is not there.
func isMissing(err error) bool { return err != nil && errors.Is(kindOf(err), fs.ErrNotExist) }

// isPreconditionFailed reports that the condition of a request (If-Match,
// If-None-Match) did not hold.
func isPreconditionFailed(err error) bool {
	return codeOf(err) == "PreconditionFailed" || statusOf(err) == http.StatusPreconditionFailed
}

// isConflict reports that another conditional request was under way: nothing
// is known of who has won.
func isConflict(err error) bool {
	code := codeOf(err)
	return code == "ConditionalRequestConflict" || statusOf(err) == http.StatusConflict && code != "OperationAborted"
}

// isInvalidRange reports that a range begins at or past the object's end.
func isInvalidRange(err error) bool {
	return codeOf(err) == "InvalidRange" || statusOf(err) == http.StatusRequestedRangeNotSatisfiable
}

// codeOf returns the service's error code, or the empty string. Where there
// was no body to take it from, the SDK makes one of the status, or of nothing.
func codeOf(err error) string {
	var api smithy.APIError
	if isOfCredentials(err) || !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// statusOf returns the HTTP status of the answer, 0 if there was none.
func statusOf(err error) int {
	if answer := answerOf(err); answer != nil {
		return answer.StatusCode
	}
	return 0
}

// headerOf returns the header of the answer, an empty one if there was none.
func headerOf(err error) http.Header {
	if answer := answerOf(err); answer != nil {
		return answer.Header
	}
	return nil
}

func answerOf(err error) *http.Response {
	var answer *smithyhttp.ResponseError
	if isOfCredentials(err) || !errors.As(err, &answer) || answer.Response == nil {
		return nil
	}
	return answer.Response.Response
}

// isTransport reports that the connection failed. Beside what every backend
// knows these are errors that net/http does not export. What a body's reader
// fails with comes the same way and is none of them.
func isTransport(err error) bool {
	if ltxstore.IsRetryable(err) {
		return true
	}
	var send *smithyhttp.RequestSendError
	return errors.As(err, &send) && transport.IsBroken(send.Err)
}

// isBrokenOff reports that an answer that began well did not end. Above it in
// the chain is the status, which says that all is well.
func isBrokenOff(err error) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && isTransport(answer.Err)
}

// isChecksumMismatch knows the SDK's own comparison of a body with the
// checksum beside it, which has no exported type.
func isChecksumMismatch(err error) bool {
	return strings.Contains(err.Error(), "checksum did not match")
}
