package abs

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// kinds are documented in "Blob service error codes" and "Common REST API error
// codes".
var kinds = map[string]error{
	"BlobNotFound":              fs.ErrNotExist,
	"ResourceNotFound":          fs.ErrNotExist,
	"ContainerNotFound":         ltxstore.ErrStoreNotFound,
	"ContainerBeingDeleted":     ltxstore.ErrStoreNotFound,
	"ContainerDisabled":         ltxstore.ErrStoreNotFound,
	"BlobAlreadyExists":         object.ErrPrecondition,
	"ConditionNotMet":           object.ErrPrecondition,
	"InvalidRange":              object.ErrRange,
	"InvalidBlockList":          object.ErrNoUpload,
	"Md5Mismatch":               ltxstore.ErrChecksum,
	"ServerBusy":                ltxstore.ErrThrottled,
	"InternalError":             ltxstore.ErrUnavailable,
	"OperationTimedOut":         ltxstore.ErrUnavailable,
	"BlobBeingRehydrated":       ltxstore.ErrUnavailable,
	"BlobArchived":              errors.ErrUnsupported,
	"FeatureNotSupported":       errors.ErrUnsupported,
	"BlobImmutableDueToPolicy":  fs.ErrPermission,
	"LeaseIdMissing":            fs.ErrPermission,
	"InvalidAuthenticationInfo": fs.ErrPermission,
}

// hints are added to errors and say what to change.
var hints = map[string]string{
	"ContainerNotFound":               "check Bucket; containers are not created",
	"AuthenticationFailed":            "check Account, AccountKey or SASToken, and the clock",
	"AuthorizationPermissionMismatch": "the identity needs the role Storage Blob Data Contributor, or the signature the permissions r, c, w, d and l",
	"SnapshotsPresent":                "delete the blob's snapshots first, which are not this library's",
	"InvalidBlobOrBlock":              "the blob has uncommitted blocks of another tool; DeleteAll removes them",
}

// service describes the service's responses, which are the same for each
// container. Those to the requests of a batch have no version.
func service() *transport.Service {
	return &transport.Service{
		Own:         []string{"X-Ms-Request-Id", "X-Ms-Version"},
		Content:     func(req *http.Request) bool { return req.Method == http.MethodGet && req.URL.Query().Get("comp") == "" },
		MaxDocument: maxDocument,
		Answer:      answerOf,
		Unread:      func(err error) bool { return err != nil && strings.Contains(err.Error(), "unmarshalling type *") }, // azcore's
		Kinds:       kinds,
	}
}

func answerOf(err error) *transport.Answer {
	refused := new(azcore.ResponseError)
	if !errors.As(err, &refused) {
		return nil
	}
	raw := refused.RawResponse
	answer := &transport.Answer{Status: refused.StatusCode, Header: raw.Header, Request: raw.Request, RequestID: raw.Header.Get("X-Ms-Request-Id"),
		Code: refused.ErrorCode, Hint: hints[refused.ErrorCode], Err: refused}
	var document struct{ Message string }
	if body, _ := runtime.Payload(raw); xml.Unmarshal(body, &document) == nil {
		answer.Message, _, _ = strings.Cut(document.Message, "\n") // lines of IDs follow
	}
	return answer
}
