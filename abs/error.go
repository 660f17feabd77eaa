package abs

import (
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
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

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
	bloberror.ServerBusy:                ltxstore.ErrThrottled,
	bloberror.InternalError:             ltxstore.ErrUnavailable,
	bloberror.OperationTimedOut:         ltxstore.ErrUnavailable,
	bloberror.AccountBeingCreated:       ltxstore.ErrUnavailable,
	bloberror.PendingCopyOperation:      ltxstore.ErrUnavailable,
	bloberror.BlobBeingRehydrated:       ltxstore.ErrUnavailable,
	bloberror.BlobArchived:              errors.ErrUnsupported,
	bloberror.UnsupportedHTTPVerb:       errors.ErrUnsupported,
	"FeatureNotSupported":               errors.ErrUnsupported,
	bloberror.BlobImmutableDueToPolicy:  fs.ErrPermission,
	bloberror.LeaseIDMissing:            fs.ErrPermission,
	bloberror.AccountIsDisabled:         fs.ErrPermission,
	bloberror.InvalidAuthenticationInfo: fs.ErrPermission,
}

// hints say how to mend what is wrong.
var hints = map[bloberror.Code]string{
	bloberror.ContainerNotFound:       "is Bucket right? A container is not created",
	bloberror.AuthenticationFailed:    "are Account, its key or SASToken right, and is the clock?",
	"AuthorizationPermissionMismatch": "the identity needs the role Storage Blob Data Contributor, the signature the permissions r, c, w, d and l",
	"InvalidBlobOrBlock":              "blocks of another tool are there; DeleteAll removes them",
}

// Classify implements object.Bucket.
func (b *bucket) Classify(err error) object.Failure {
	var header http.Header
	if answer := new(azcore.ResponseError); errors.As(err, &answer) && answer.RawResponse != nil {
		header = answer.RawResponse.Header
	}
	return transport.Failure(kindOf(err), header)
}

// kindOf tells the kind by the service's code; a status alone is a proxy's.
func kindOf(err error) error {
	answer := new(azcore.ResponseError)
	switch kind := object.KindOf(err); {
	case kind != nil:
		return kind
	case !errors.As(err, &answer):
		if transport.IsBroken(err) {
			return ltxstore.ErrUnavailable
		}
		return nil
	}
	kind, known := kinds[bloberror.Code(answer.ErrorCode)]
	switch ours := isService(answer.RawResponse); {
	case ours && known:
		return kind
	case !ours && answer.StatusCode == http.StatusNotFound:
		return ltxstore.ErrUnavailable
	}
	return transport.KindOfStatus(answer.StatusCode)
}

// isService reports that an answer is the service's own. Those to the requests
// in a batch have an ID at least.
func isService(answer *http.Response) bool {
	return answer != nil && (answer.Header.Get("X-Ms-Version") != "" || answer.Header.Get("X-Ms-Request-Id") != "")
}

// Describe implements object.Describer. The SDK's own text has ten lines, the
// request's URL with its signature among them.
func (b *bucket) Describe(err error) error {
	text := err.Error()
	var sent scrub.Secrets // a server may repeat what it was sent
	if answer := new(azcore.ResponseError); errors.As(err, &answer) {
		text = strings.Replace(text, answer.Error(), inWords(answer), 1)
		if raw := answer.RawResponse; raw != nil && raw.Request != nil {
			_, token, _ := strings.Cut(raw.Request.Header.Get("Authorization"), " ")
			_, signature, _ := strings.Cut(token, ":")
			sent.Add(token, signature)
		}
	}
	text += fmt.Sprintf(" (container %q at %s)", b.cfg.Bucket, b.cfg.Endpoint)
	return scrub.Reworded(err, b.secrets.Text(sent.Text(text)))
}

// inWords says in one line how the service has answered.
func inWords(answer *azcore.ResponseError) string {
	text, id := answer.ErrorCode, ""
	if raw := answer.RawResponse; raw != nil {
		var document struct{ Message string }
		if body, err := runtime.Payload(raw); err == nil && xml.Unmarshal(body, &document) == nil {
			message, _, _ := strings.Cut(document.Message, "\n")
			text = strings.Trim(text+": "+strings.TrimSpace(message), ": ")
		}
		if id = raw.Header.Get("X-Ms-Request-Id"); id != "" {
			id = ", request ID " + id
		}
	}
	if text == "" {
		text = http.StatusText(answer.StatusCode)
	}
	text = fmt.Sprintf("%.1000s: the answer was %d%s", text, answer.StatusCode, id)
	if hint := hints[bloberror.Code(answer.ErrorCode)]; hint != "" {
		text += ": " + hint
	}
	return text
}
