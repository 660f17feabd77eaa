package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/gcsfake"
	"github.com/ltxstore/ltxstore/internal/httpfault"
	"github.com/ltxstore/ltxstore/internal/verify"
)

func apiError(code int, reason, message string) error {
	e := &googleapi.Error{Code: code, Message: message}
	if reason != "" {
		e.Errors = []googleapi.ErrorItem{{Reason: reason, Message: message}}
	}
	return e
}

func TestKinds(t *testing.T) {
	noObject := apiError(404, "notFound", "No such object: bucket/key")
	noBucket := apiError(404, "notFound", "The specified bucket does not exist.")
	for name, tt := range map[string]struct {
		op   string
		err  error
		want error
	}{
		"missing object":           {"open", fmt.Errorf("%w: %w", storage.ErrObjectNotExist, noObject), fs.ErrNotExist},
		"missing object, written":  {"write", noObject, fs.ErrNotExist},
		"missing bucket, open":     {"open", fmt.Errorf("%w: %w", storage.ErrObjectNotExist, noBucket), ltxstore.ErrStoreNotFound},
		"missing bucket, write":    {"write", noBucket, ltxstore.ErrStoreNotFound},
		"missing bucket, list":     {"list", fmt.Errorf("%w: %w", storage.ErrBucketNotExist, apiError(404, "notFound", "Not Found")), ltxstore.ErrStoreNotFound},
		"404 of a proxy, open":     {"open", apiError(404, "", "<html>"), ltxstore.ErrUnavailable},
		"404 of a proxy, delete":   {"delete", apiError(404, "", ""), ltxstore.ErrUnavailable},
		"404 of an upload":         {"write", fmt.Errorf("%w: %w", errSession, apiError(404, "", "")), ltxstore.ErrUnavailable},
		"upload gone":              {"write", apiError(410, "", ""), ltxstore.ErrUnavailable},
		"denied":                   {"list", apiError(403, "forbidden", "no permission"), fs.ErrPermission},
		"unauthorized":             {"list", apiError(401, "authError", "Invalid Credentials"), fs.ErrPermission},
		"rate, 403":                {"write", apiError(403, "rateLimitExceeded", ""), ltxstore.ErrThrottled},
		"user's rate, 403":         {"write", apiError(403, "userRateLimitExceeded", ""), ltxstore.ErrThrottled},
		"429":                      {"write", apiError(429, "", ""), ltxstore.ErrThrottled},
		"503":                      {"write", apiError(503, "backendError", ""), ltxstore.ErrThrottled},
		"408":                      {"write", apiError(408, "", ""), ltxstore.ErrUnavailable},
		"500":                      {"write", apiError(500, "backendError", ""), ltxstore.ErrUnavailable},
		"502":                      {"write", apiError(502, "", ""), ltxstore.ErrUnavailable},
		"501":                      {"write", apiError(501, "", ""), errors.ErrUnsupported},
		"405":                      {"write", apiError(405, "", ""), errors.ErrUnsupported},
		"412":                      {"write", apiError(412, "conditionNotMet", ""), nil},
		"400":                      {"write", apiError(400, "invalid", ""), nil},
		"checksum refused":         {"write", apiError(400, "invalid", `Provided CRC32C "AAAAAA==" doesn't match calculated CRC32C "x"`), ltxstore.ErrChecksum},
		"checksum of the library":  {"read", errors.New("storage: bad CRC on read: got 1, want 2"), ltxstore.ErrChecksum},
		"checksum after the write": {"write", errors.New(`storage: object checksum mismatch: computed "x"`), ltxstore.ErrChecksum},
		"not what was written":     {"write", fmt.Errorf("w: %w", verify.ErrMismatch), ltxstore.ErrChecksum},
		"not there":                {"write", verify.ErrAbsent, ltxstore.ErrUnavailable},
		"broken off":               {"list", io.ErrUnexpectedEOF, ltxstore.ErrUnavailable},
		"cancelled":                {"list", context.Canceled, nil},
		"gRPC, missing":            {"open", fmt.Errorf("%w: %w", storage.ErrObjectNotExist, status.Error(codes.NotFound, "No such object")), fs.ErrNotExist},
		"gRPC, denied":             {"open", status.Error(codes.PermissionDenied, ""), fs.ErrPermission},
		"gRPC, unauthenticated":    {"open", status.Error(codes.Unauthenticated, ""), fs.ErrPermission},
		"gRPC, exhausted":          {"open", status.Error(codes.ResourceExhausted, ""), ltxstore.ErrThrottled},
		"gRPC, unavailable":        {"open", status.Error(codes.Unavailable, ""), ltxstore.ErrThrottled},
		"gRPC, internal":           {"open", status.Error(codes.Internal, ""), ltxstore.ErrUnavailable},
		"gRPC, unimplemented":      {"open", status.Error(codes.Unimplemented, ""), errors.ErrUnsupported},
		"gRPC, cancelled":          {"open", status.Error(codes.Canceled, ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := wrap(tt.op, "key", tt.err)
			var got *ltxstore.Error
			require.ErrorAs(t, err, &got)
			assert.Equal(t, tt.want, got.Kind)
			assert.ErrorIs(t, err, tt.err, "the cause stays reachable")
			retry := tt.want == ltxstore.ErrThrottled || tt.want == ltxstore.ErrUnavailable
			assert.Equal(t, retry, ltxstore.IsRetryable(err))
		})
	}
	for _, tt := range []struct {
		err  error
		gone bool
	}{
		{noObject, true}, {noBucket, false}, {apiError(404, "notFound", "Not Found"), true}, {apiError(404, "", "<html>"), false},
		{status.Error(codes.NotFound, "No such object: x"), true}, {apiError(403, "notFound", ""), false}, {io.ErrUnexpectedEOF, false},
	} {
		assert.Equal(t, tt.gone, isGone(tt.err), "%v", tt.err)
	}
	assert.True(t, isPreconditionFailed(status.Error(codes.FailedPrecondition, "")))
	assert.True(t, isInvalidRange(status.Error(codes.OutOfRange, "")))
	assert.NoError(t, wrap("open", "key", nil))
	done := &ltxstore.Error{Op: "x"}
	assert.Same(t, done, wrap("open", "key", done))
}

// The API's error is reachable by errors.As, with what the service said.
func TestErrorOfTheAPI(t *testing.T) {
	b := newBench(t, gcsfake.Options{Denied: true}, nil)
	_, err := b.read(t, 0, 0)
	require.ErrorIs(t, err, fs.ErrPermission)
	var api *googleapi.Error
	require.ErrorAs(t, err, &api)
	assert.Equal(t, http.StatusForbidden, api.Code)
	assert.Contains(t, err.Error(), "does not have permission")
	assert.Equal(t, map[string]int{"ReadObject": 1}, b.faults.Counts(), "not repeated")
}

// The address of an upload's session is as good as a key.
func TestErrorsShowNoSession(t *testing.T) {
	err := wrap("write", "key", &url.Error{Op: "Post", URL: "https://storage.googleapis.com/upload/storage/v1/b/b/o?uploadType=resumable&upload_id=ADPycd", Err: io.ErrUnexpectedEOF})
	assert.NotContains(t, err.Error(), "ADPycd")
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// An answer in HTML, with any status, is no success and no missing file where
// that would be wrong.
func TestHTML(t *testing.T) {
	for status, want := range map[int]error{403: fs.ErrPermission, 404: fs.ErrNotExist, 502: ltxstore.ErrUnavailable} {
		b := newBench(t, gcsfake.Options{}, nil)
		b.fail("ReadObject", -1, httpfault.HTML(status))
		_, err := b.read(t, 0, 0)
		require.ErrorIs(t, err, want)
	}
}
