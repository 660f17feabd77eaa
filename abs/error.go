package abs

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// pastEnd is the answer to a range that begins at the blob's end, without a 416.
type pastEnd struct{ size int64 }

func (e *pastEnd) Error() string { return fmt.Sprintf("range begins at the end, at %d", e.size) }

// foreignError is an answer that is not the service's, or not to what was asked.
type foreignError struct{ text string }

func (e *foreignError) Error() string { return e.text }

func (b *bucket) foreign(format string, args ...any) error {
	return &foreignError{fmt.Sprintf("answer is not the service's: "+format, args...)}
}

// Classify implements object.Bucket. The service's code decides; a status alone
// is a proxy's.
func (b *bucket) Classify(err error) object.Failure {
	f := object.Failure{Kind: kindOf(err), Size: -1}
	var past *pastEnd
	if errors.As(err, &past) {
		f.Size = past.size
	}
	if answer := answerOf(err); answer != nil {
		f.RetryAfter = transport.RetryAfter(answer.Header)
		if f.Kind == object.ErrRange {
			f.Size = rangeio.RefusedSize(answer.Header.Get("Content-Range"))
		}
	}
	return f
}

// kinds are of "Blob service error codes" and "Common REST API error codes".
var kinds = map[bloberror.Code]error{
	bloberror.BlobNotFound:              fs.ErrNotExist,
	bloberror.ResourceNotFound:          fs.ErrNotExist,
	bloberror.ContainerNotFound:         ltxstore.ErrStoreNotFound,
	bloberror.ContainerBeingDeleted:     ltxstore.ErrStoreNotFound,
	bloberror.ContainerDisabled:         ltxstore.ErrStoreNotFound,
	bloberror.BlobAlreadyExists:         object.ErrPrecondition,
	bloberror.ConditionNotMet:           object.ErrPrecondition,
	bloberror.TargetConditionNotMet:     object.ErrPrecondition,
	bloberror.InvalidRange:              object.ErrRange,
	bloberror.InvalidBlockList:          object.ErrNoUpload,
	bloberror.MD5Mismatch:               ltxstore.ErrChecksum,
	bloberror.CRC64Mismatch:             ltxstore.ErrChecksum,
	bloberror.ServerBusy:                ltxstore.ErrThrottled,
	bloberror.InternalError:             ltxstore.ErrUnavailable,
	bloberror.OperationTimedOut:         ltxstore.ErrUnavailable,
	bloberror.AccountBeingCreated:       ltxstore.ErrUnavailable,
	bloberror.PendingCopyOperation:      ltxstore.ErrUnavailable,
	bloberror.BlobArchived:              errors.ErrUnsupported,
	bloberror.BlobBeingRehydrated:       ltxstore.ErrUnavailable,
	bloberror.BlobImmutableDueToPolicy:  fs.ErrPermission,
	bloberror.LeaseIDMissing:            fs.ErrPermission,
	bloberror.AccountIsDisabled:         fs.ErrPermission,
	bloberror.AuthenticationFailed:      fs.ErrPermission,
	bloberror.AuthorizationFailure:      fs.ErrPermission,
	bloberror.InvalidAuthenticationInfo: fs.ErrPermission,
	bloberror.UnsupportedHTTPVerb:       errors.ErrUnsupported,
	"FeatureNotSupported":               errors.ErrUnsupported,
}

func kindOf(err error) error {
	var (
		foreign *foreignError
		past    *pastEnd
		token   *tokenError
		answer  *azcore.ResponseError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &token):
		return token.kind()
	case errors.As(err, &foreign):
		return ltxstore.ErrUnavailable
	case errors.As(err, &past):
		return object.ErrRange
	case errors.Is(err, object.ErrPrecondition):
		return object.ErrPrecondition
	case errors.As(err, &answer):
		return kindOfAnswer(answer)
	}
	if kind := ltxstore.KindOf(err); kind != nil {
		return kind
	}
	if ltxstore.IsRetryable(err) || transport.IsBroken(err) {
		return ltxstore.ErrUnavailable
	}
	return nil
}

func kindOfAnswer(answer *azcore.ResponseError) error {
	if kind, ok := kinds[bloberror.Code(answer.ErrorCode)]; ok && isService(answer.RawResponse) {
		return kind
	}
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return ltxstore.ErrThrottled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fs.ErrPermission
	case status == http.StatusNotImplemented, status == http.StatusMethodNotAllowed:
		return errors.ErrUnsupported
	case status == http.StatusNotFound && !isService(answer.RawResponse), backend.IsRetryableStatus(status):
		return ltxstore.ErrUnavailable
	}
	return nil
}

// isService reports that an answer is the service's own. Those to the requests
// in a batch have an ID at least.
func isService(answer *http.Response) bool {
	return answer != nil && (answer.Header.Get("X-Ms-Version") != "" || answer.Header.Get("X-Ms-Request-Id") != "")
}

func answerOf(err error) *http.Response {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return nil
	}
	return answer.RawResponse
}

// described is an error in other words.
type described struct {
	text string
	err  error
}

func (e *described) Error() string { return e.text }
func (e *described) Unwrap() error { return e.err }

// Describe implements object.Describer. The SDK's own text has ten lines, the
// request's URL with its signature among them.
func (b *bucket) Describe(err error) error {
	var answer *azcore.ResponseError
	text := err.Error()
	var sent scrub.Secrets // a server may repeat what it was sent
	if errors.As(err, &answer) {
		words := inWords(answer)
		text = strings.Replace(text, answer.Error(), words, 1)
		if raw := answer.RawResponse; raw != nil && raw.Request != nil {
			_, token, _ := strings.Cut(raw.Request.Header.Get("Authorization"), " ")
			_, signature, _ := strings.Cut(token, ":")
			sent.Add(token, signature)
		}
	}
	if hint := hints[codeOf(answer)]; hint != "" {
		text += ": " + hint
	}
	text += fmt.Sprintf(" (container %q at %s)", b.cfg.Bucket, b.endpoint)
	return &described{text: b.secrets.Text(sent.Text(text)), err: err}
}

func codeOf(answer *azcore.ResponseError) bloberror.Code {
	if answer == nil {
		return ""
	}
	return bloberror.Code(answer.ErrorCode)
}

// hints say how to mend what is wrong.
var hints = map[bloberror.Code]string{
	bloberror.ContainerNotFound:       "is Bucket right? A container is not created",
	bloberror.AuthenticationFailed:    "are Account, its key or SASToken right, and is the clock?",
	"AuthorizationPermissionMismatch": "the identity needs the role Storage Blob Data Contributor, the signature the permissions r, c, w, d and l",
	"InvalidBlobOrBlock":              "blocks of another tool are there; DeleteAll removes them",
}

// inWords says in one line how the service has answered.
func inWords(answer *azcore.ResponseError) string {
	text := answer.ErrorCode
	if raw := answer.RawResponse; raw != nil && raw.Body != nil {
		var document struct{ Message string }
		if body, err := runtime.Payload(raw); err == nil && xml.Unmarshal(body, &document) == nil {
			message, _, _ := strings.Cut(document.Message, "\n")
			text = strings.Trim(text+": "+strings.TrimSpace(message), ": ")
		}
	}
	if text == "" {
		text = http.StatusText(answer.StatusCode)
	}
	text = fmt.Sprintf("%.1000s: the answer was %d", text, answer.StatusCode)
	if raw := answer.RawResponse; raw != nil && raw.Header.Get("X-Ms-Request-Id") != "" {
		text += ", request ID " + raw.Header.Get("X-Ms-Request-Id")
	}
	return text
}

// tokenError is that of a request for which there is no token.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "no token for the request: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

func (e *tokenError) kind() error {
	switch {
	case errors.Is(e.err, context.Canceled), errors.Is(e.err, context.DeadlineExceeded):
		return nil
	case ltxstore.IsRetryable(e.err):
		return ltxstore.ErrUnavailable
	}
	return fs.ErrPermission
}
