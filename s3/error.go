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
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// Classify implements object.Bucket, in place of transport.Service.
func (b *bucket) Classify(err error) object.Failure {
	f := transport.Failure(kindOf(err), headerOf(err))
	f.Repeat = isSkew(err)
	return f
}

// retryable reports whether the same request may succeed when it is sent
// again. The SDK's own list is not asked: it has neither 408 nor a code of
// RequestCanceled.
func retryable(err error) bool {
	switch kind := kindOf(err); {
	case isSkew(err):
		return true
	case kind == nil:
		return ltxstore.IsRetryable(err)
	default:
		return errors.Is(kind, ltxstore.ErrThrottled) || errors.Is(kind, ltxstore.ErrUnavailable)
	}
}

// isSkew reports that an answer tells of a wrong clock. The SDK says that it is
// retryable once it has learnt the difference and will sign with it.
func isSkew(err error) bool {
	var skew interface{ RetryableError() bool }
	return errors.As(err, &skew) && skew.RetryableError() && statusOf(err) != 0
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
	if errors.Is(err, object.ErrPrecondition) {
		return object.ErrPrecondition
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
	case isChecksumMismatch(err):
		return ltxstore.ErrChecksum
	case isTransport(err):
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
	case "PreconditionFailed":
		return object.ErrPrecondition
	case "ConditionalRequestConflict":
		return object.ErrConflict
	case "NoSuchUpload":
		return object.ErrNoUpload
	case "InvalidRange":
		return object.ErrRange
	}
	return nil
}

func kindOfStatus(status int, err error) error {
	switch {
	case status == http.StatusNotFound:
		return kindOfMissing(err)
	case status == http.StatusPreconditionFailed:
		return object.ErrPrecondition
	case status == http.StatusConflict:
		return object.ErrConflict
	case status == http.StatusRequestedRangeNotSatisfiable:
		return object.ErrRange
	// The answer was fine, but it broke off, or is not what was sent.
	case status < 300 && isChecksumMismatch(err):
		return ltxstore.ErrChecksum
	case status < 300 && isBrokenOff(err):
		return ltxstore.ErrUnavailable
	}
	return transport.KindOfStatus(status)
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
