package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
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
		op   operation
		err  error
		want error
	}{
		"missing object":           {opRead, fmt.Errorf("%w: %w", storage.ErrObjectNotExist, noObject), fs.ErrNotExist},
		"missing object, written":  {opInsert, noObject, fs.ErrNotExist},
		"missing bucket, open":     {opRead, fmt.Errorf("%w: %w", storage.ErrObjectNotExist, noBucket), ltxstore.ErrStoreNotFound},
		"missing bucket, write":    {opInsert, noBucket, ltxstore.ErrStoreNotFound},
		"missing bucket, list":     {opList, fmt.Errorf("%w: %w", storage.ErrBucketNotExist, apiError(404, "notFound", "Not Found")), ltxstore.ErrStoreNotFound},
		"404 of a proxy, open":     {opRead, apiError(404, "", "<html>"), ltxstore.ErrUnavailable},
		"404 of a proxy, delete":   {opDelete, apiError(404, "", ""), ltxstore.ErrUnavailable},
		"404 of an upload":         {opChunk, apiError(404, "", ""), object.ErrNoUpload},
		"upload gone":              {opChunk, apiError(410, "", ""), object.ErrNoUpload},
		"denied":                   {opList, apiError(403, "forbidden", "no permission"), fs.ErrPermission},
		"unauthorized":             {opList, apiError(401, "authError", "Invalid Credentials"), fs.ErrPermission},
		"rate, 403":                {opInsert, apiError(403, "rateLimitExceeded", ""), ltxstore.ErrThrottled},
		"user's rate, 403":         {opInsert, apiError(403, "userRateLimitExceeded", ""), ltxstore.ErrThrottled},
		"429":                      {opInsert, apiError(429, "", ""), ltxstore.ErrThrottled},
		"503":                      {opInsert, apiError(503, "backendError", ""), ltxstore.ErrThrottled},
		"408":                      {opInsert, apiError(408, "", ""), ltxstore.ErrUnavailable},
		"500":                      {opInsert, apiError(500, "backendError", ""), ltxstore.ErrUnavailable},
		"502":                      {opInsert, apiError(502, "", ""), ltxstore.ErrUnavailable},
		"501":                      {opInsert, apiError(501, "", ""), errors.ErrUnsupported},
		"405":                      {opInsert, apiError(405, "", ""), errors.ErrUnsupported},
		"412":                      {opInsert, apiError(412, "conditionNotMet", ""), object.ErrPrecondition},
		"400":                      {opInsert, apiError(400, "invalid", ""), nil},
		"checksum refused":         {opInsert, apiError(400, "invalid", `Provided CRC32C "AAAAAA==" doesn't match calculated CRC32C "x"`), ltxstore.ErrChecksum},
		"checksum of the library":  {opRead, errors.New("storage: bad CRC on read: got 1, want 2"), ltxstore.ErrChecksum},
		"checksum after the write": {opInsert, errors.New(`storage: object checksum mismatch: computed "x"`), ltxstore.ErrChecksum},
		"broken off":               {opList, io.ErrUnexpectedEOF, ltxstore.ErrUnavailable},
		"cancelled":                {opList, context.Canceled, nil},
		"gRPC, missing":            {opRead, fmt.Errorf("%w: %w", storage.ErrObjectNotExist, status.Error(codes.NotFound, "No such object")), fs.ErrNotExist},
		"gRPC, denied":             {opRead, status.Error(codes.PermissionDenied, ""), fs.ErrPermission},
		"gRPC, unauthenticated":    {opRead, status.Error(codes.Unauthenticated, ""), fs.ErrPermission},
		"gRPC, exhausted":          {opRead, status.Error(codes.ResourceExhausted, ""), ltxstore.ErrThrottled},
		"gRPC, unavailable":        {opRead, status.Error(codes.Unavailable, ""), ltxstore.ErrThrottled},
		"gRPC, internal":           {opRead, status.Error(codes.Internal, ""), ltxstore.ErrUnavailable},
		"gRPC, unimplemented":      {opRead, status.Error(codes.Unimplemented, ""), errors.ErrUnsupported},
		"gRPC, cancelled":          {opRead, status.Error(codes.Canceled, ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, kindOf(&callError{tt.op, tt.err}))
			assert.Equal(t, tt.want == ltxstore.ErrThrottled || tt.want == ltxstore.ErrUnavailable, retryable(&callError{tt.op, tt.err}))
		})
	}
	for _, tt := range []struct {
		err  error
		gone bool
	}{
		{noObject, true}, {noBucket, false}, {apiError(404, "notFound", "Not Found"), true}, {apiError(404, "", "<html>"), false},
		{status.Error(codes.NotFound, "No such object: x"), true}, {apiError(403, "notFound", ""), false}, {io.ErrUnexpectedEOF, false},
	} {
		assert.Equal(t, tt.gone, kindOf(&callError{opDelete, tt.err}) == fs.ErrNotExist, "%v", tt.err)
	}
	for _, tt := range []struct {
		op   operation
		err  error
		want error
	}{
		{opRead, status.Error(codes.NotFound, "no route"), fs.ErrNotExist},
		{opList, status.Error(codes.NotFound, "no route"), ltxstore.ErrStoreNotFound},
		{opList, status.Error(codes.NotFound, "b: No such object: k"), fs.ErrNotExist},
		{opRead, status.Error(codes.NotFound, "b: bucket does not exist"), ltxstore.ErrStoreNotFound},
		{opRead, apiError(404, "", "No such object: b/k\n"), fs.ErrNotExist},
		{opRead, apiError(404, "", "<b>No such object</b>"), nil},
		{opRead, apiError(404, "", "<b>The specified bucket does not exist</b>"), nil},
		{opRead, apiError(404, "notFound", "the bucket does not exist"), fs.ErrNotExist},
		{opRead, apiError(403, "notFound", "No such object"), nil},
	} {
		assert.Equal(t, tt.want, saidMissing(tt.op, tt.err), "%v %v", tt.op, tt.err)
	}
	assert.Equal(t, object.ErrPrecondition, kindOf(status.Error(codes.FailedPrecondition, "")))
	assert.Equal(t, object.ErrRange, kindOf(status.Error(codes.OutOfRange, "")))
	assert.False(t, retryable(nil))
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
