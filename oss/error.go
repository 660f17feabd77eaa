package oss

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// kinds maps the codes in "Error codes" of the service's documentation.
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

// hints are added to errors.
var hints = map[string]string{
	"NoSuchBucket":          "are Bucket and Region right? A bucket is not created",
	"AccessDenied":          "has the key the right to read, write, list and delete objects, and is the endpoint that of the bucket's region?",
	"SignatureDoesNotMatch": "are SecretAccessKey and Region right?",
	"RequestTimeTooSkewed":  "is the clock right?",
	"InvalidObjectState":    "the object is archived and must be restored before it can be read",
}

// maxDocument is more than a listing can have: 1000 names of 1023 bytes, each
// escaped as three.
const maxDocument = 8 << 20

// service describes the service's responses.
func service(cfg Config, secrets *scrub.Secrets) *transport.Service {
	return &transport.Service{
		Own: []string{"X-Oss-Request-Id"},
		Content: func(req *http.Request) bool {
			query := req.URL.Query()
			return req.Method == http.MethodGet && !query.Has("list-type") && !query.Has("uploads") && !query.Has("uploadId")
		},
		MaxDocument: maxDocument,
		Answer:      answerOf,
		Unread:      func(err error) bool { return errors.As(err, new(*oss.ClientError)) },
		Kinds:       kinds,
		Place:       fmt.Sprintf("bucket %q at %s", cfg.Bucket, cfg.Endpoint),
		Secrets:     secrets,
	}
}

func answerOf(err error) *transport.Answer {
	refused := new(oss.ServiceError)
	if !errors.As(err, &refused) {
		return nil
	}
	answer := &transport.Answer{Status: refused.StatusCode, Header: refused.Headers, RequestID: refused.RequestID,
		Code: refused.Code, Message: refused.Message, Hint: hints[refused.Code], Err: refused}
	if refused.Code == "BadErrorResponse" { // the SDK's, for a response without a code
		answer.Code, answer.Message = "", ""
	}
	_, known := kinds[answer.Code]
	if op := new(oss.OperationError); !known && answer.Status == http.StatusNotFound && errors.As(err, &op) && op.Operation() == "HeadObject" {
		answer.Code = "NoSuchKey" // the response to a HEAD has no body
	}
	return answer
}
