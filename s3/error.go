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

// retryable reports whether the same request may succeed when it is retried. The list
// in the SDK is not used, because it has neither 408 nor RequestCanceled.
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

// isSkew reports whether a request failed because of a wrong clock. The SDK considers
// that retryable once it knows the difference and signs with it.
func isSkew(err error) bool {
	var skew interface{ RetryableError() bool }
	return errors.As(err, &skew) && skew.RetryableError() && statusOf(err) != 0
}

// kindOf returns the kind of an error by its code, and otherwise by the HTTP status.
// The body may be empty, or HTML of a proxy, and many codes have the same status.
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
	case code == codeArchived, isSkewed(err): // permissions are not the problem
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
	// Several of these have a misleading status: 200 from CompleteMultipartUpload, 400
	// for a timeout.
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
	// The response broke off, or its content is not what was sent.
	case status < 300 && isChecksumMismatch(err):
		return ltxstore.ErrChecksum
	case status < 300 && isBrokenOff(err):
		return ltxstore.ErrUnavailable
	}
	return transport.KindOfStatus(status)
}

// kindOfMissing returns the kind of a 404 with a generic code. For reads the object is
// missing. For writes, listings and deletions only the bucket can be missing. Other
// codes, about uploads or users, are not changed. refuseForeign has checked that the
// response is from the service, except for a HEAD, which has no body: see confirm.
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

// codeOf returns the service's error code, or the empty string. If the response has no
// body, the SDK makes up a code from the status.
func codeOf(err error) string {
	var api smithy.APIError
	if isOfCredentials(err) || !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// statusOf returns the HTTP status of the response, or 0 if there was none.
func statusOf(err error) int {
	if answer := answerOf(err); answer != nil {
		return answer.StatusCode
	}
	return 0
}

// headerOf returns the header of the response, or an empty one if there was none.
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

// isTransport reports whether the connection failed. It also recognizes errors that
// net/http does not export, but not those of the body's reader.
func isTransport(err error) bool {
	if ltxstore.IsRetryable(err) {
		return true
	}
	var send *smithyhttp.RequestSendError
	return errors.As(err, &send) && transport.IsBroken(send.Err)
}

// isBrokenOff reports whether a response with a status of success broke off.
func isBrokenOff(err error) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && isTransport(answer.Err)
}

// isChecksumMismatch reports whether the SDK found that a body does not match its
// checksum. That error has no exported type.
func isChecksumMismatch(err error) bool {
	return strings.Contains(err.Error(), "checksum did not match")
}
