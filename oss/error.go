package oss

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// kinds are of "Error codes" in the service's documentation.
var kinds = map[string]error{
	"NoSuchKey":                  fs.ErrNotExist,
	"NoSuchBucket":               ltxstore.ErrStoreNotFound,
	"NoSuchUpload":               object.ErrNoUpload,
	"FileAlreadyExists":          object.ErrPrecondition,
	"PreconditionFailed":         object.ErrPrecondition,
	"InvalidRange":               object.ErrRange,
	"InvalidDigest":              ltxstore.ErrChecksum,
	"AccessDenied":               fs.ErrPermission,
	"InvalidAccessKeyId":         fs.ErrPermission,
	"SignatureDoesNotMatch":      fs.ErrPermission,
	"SecurityTokenExpired":       fs.ErrPermission,
	"InvalidSecurityToken":       fs.ErrPermission,
	"UserDisable":                fs.ErrPermission,
	"FileImmutable":              fs.ErrPermission,
	"QpsLimitExceeded":           ltxstore.ErrThrottled,
	"TotalQpsLimitExceeded":      ltxstore.ErrThrottled,
	"DownloadTrafficRateLimit":   ltxstore.ErrThrottled,
	"UploadTrafficRateLimit":     ltxstore.ErrThrottled,
	"InternalError":              ltxstore.ErrUnavailable,
	"RequestTimeout":             ltxstore.ErrUnavailable,
	"OperationConflict":          object.ErrConflict,
	"MethodNotAllowed":           errors.ErrUnsupported,
	"NotImplemented":             errors.ErrUnsupported,
	"InvalidObjectState":         errors.ErrUnsupported,
	"ObjectNotAppendable":        errors.ErrUnsupported,
	"SecondLevelDomainForbidden": fs.ErrInvalid,
}

// hints say how to mend what is wrong.
var hints = map[string]string{
	"NoSuchBucket":          "are Bucket and Region right? A bucket is not created",
	"AccessDenied":          "has the key the right to read, write, list and delete objects, and is the endpoint that of the bucket's region?",
	"SignatureDoesNotMatch": "are SecretAccessKey and Region right?",
	"RequestTimeTooSkewed":  "is the clock right?",
	"InvalidObjectState":    "the object is in an archive, and must be restored before it is read",
}

// isService reports that an answer is the service's own.
func isService(header http.Header) bool { return header.Get("X-Oss-Request-Id") != "" }

// Classify implements object.Bucket.
func (b *bucket) Classify(err error) object.Failure {
	answer := new(oss.ServiceError)
	errors.As(err, &answer)
	return transport.Failure(kindOf(err), answer.Headers)
}

// kindOf tells the kind by the service's code; a status alone may be a proxy's.
func kindOf(err error) error {
	answer := new(oss.ServiceError)
	switch kind := object.KindOf(err); {
	case kind != nil:
		return kind
	case !errors.As(err, &answer):
		// An answer that breaks off or is no document is what the SDK cannot read.
		if unread := new(oss.ClientError); errors.As(err, &unread) || transport.IsBroken(err) {
			return ltxstore.ErrUnavailable
		}
		return nil
	}
	kind, known := kinds[answer.Code]
	ours, op := isService(answer.Headers), new(oss.OperationError)
	switch {
	case ours && known:
		return kind
	case ours && answer.StatusCode == http.StatusNotFound && errors.As(err, &op) && op.Operation() == "HeadObject":
		return fs.ErrNotExist // without a body there may be no code
	case !ours && answer.StatusCode == http.StatusNotFound:
		return ltxstore.ErrUnavailable
	}
	return transport.KindOfStatus(answer.StatusCode)
}

// Describe implements object.Describer. The SDK's own text has eight lines.
func (b *bucket) Describe(err error) error {
	text := err.Error()
	if answer := new(oss.ServiceError); errors.As(err, &answer) {
		text = strings.Replace(text, answer.Error(), inWords(answer), 1)
	}
	text += fmt.Sprintf(" (bucket %q at %s)", b.cfg.Bucket, b.cfg.Endpoint)
	return scrub.Reworded(err, b.secrets.Text(text))
}

// inWords says in one line how the service has answered.
func inWords(answer *oss.ServiceError) string {
	code, message := answer.Code, answer.Message
	if code == "BadErrorResponse" { // the SDK's
		code, message = http.StatusText(answer.StatusCode), ""
	}
	text := fmt.Sprintf("%.1000s: the answer was %d", strings.Trim(code+": "+strings.TrimSpace(message), ": "), answer.StatusCode)
	if answer.RequestID != "" {
		text += ", request ID " + answer.RequestID
	}
	if hint := hints[answer.Code]; hint != "" {
		text += ": " + hint
	}
	return text
}
