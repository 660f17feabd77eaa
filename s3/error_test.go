package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

// replicaAt returns a replica whose requests go to handler, tried once.
func replicaAt(t *testing.T, handler http.Handler, set ...func(*Config)) *replica {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := valid()
	cfg.Endpoint = server.URL
	cfg.Retry.MaxAttempts = 1
	for _, f := range set {
		f(&cfg)
	}
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	return r
}

// operations are one request each.
func operations(r *replica) map[string]func(context.Context) error {
	bucket, key, id, number := r.cfg.Bucket, "key", "id", int32(1)
	return map[string]func(context.Context) error{
		"get": func(ctx context.Context) error {
			out, err := r.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
			if err == nil {
				_, err = io.Copy(io.Discard, out.Body)
			}
			return err
		},
		"head": func(ctx context.Context) error {
			_, err := r.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
			return err
		},
		"put": func(ctx context.Context) error {
			_, err := r.api.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("body")})
			return err
		},
		"list": func(ctx context.Context) error {
			_, err := r.api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
			return err
		},
		"delete": func(ctx context.Context) error {
			_, err := r.api.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: &key}}}})
			return err
		},
		"part": func(ctx context.Context) error {
			_, err := r.api.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: &id, PartNumber: &number, Body: strings.NewReader("body")})
			return err
		},
		"complete": func(ctx context.Context) error {
			_, err := r.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: &id})
			return err
		},
	}
}

func xmlError(code string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>` + code + `</Code><Message>said the service</Message><RequestId>R</RequestId></Error>`
}

const htmlError = "<!DOCTYPE html><html><head><title>Error</title></head><body><p>a proxy<br>says so</body></html>"

func TestErrorKinds(t *testing.T) {
	const all = "get head put list delete part complete"
	const withBody = "get put list delete part complete"
	for _, tt := range []struct {
		status int
		body   string
		ops    string
		want   error
	}{
		{404, xmlError("NoSuchKey"), "get head", fs.ErrNotExist},
		{404, "", "head", fs.ErrNotExist}, // until it is confirmed
		{404, xmlError("NotFound"), "get head", fs.ErrNotExist},
		{404, xmlError("NoSuchBucket"), withBody, ltxstore.ErrStoreNotFound},
		{404, xmlError("NoSuchAccessPoint"), withBody, ltxstore.ErrStoreNotFound},
		{404, xmlError("NotFound"), "put list delete part complete", ltxstore.ErrStoreNotFound},
		// A proxy, which has lost its route.
		{404, "", withBody, ltxstore.ErrUnavailable},
		{404, htmlError, withBody, ltxstore.ErrUnavailable},
		{404, "404 page not found\n", withBody, ltxstore.ErrUnavailable},
		{404, "<Error><Message>no code</Message></Error>", withBody, ltxstore.ErrUnavailable},
		{404, "<Fault><Code>NoSuchKey</Code></Fault>", withBody, ltxstore.ErrUnavailable},
		{404, xmlError("NoSuchUpload"), "part complete", nil},
		{404, xmlError("SomethingElse"), "get", nil},
		{404, xmlError("XAdminUserNotFound"), "get put list", fs.ErrPermission},

		{403, xmlError("AccessDenied"), all, fs.ErrPermission},
		{403, xmlError("InvalidAccessKeyId"), all, fs.ErrPermission},
		{403, xmlError("SignatureDoesNotMatch"), all, fs.ErrPermission},
		{403, "", all, fs.ErrPermission},
		{403, htmlError, all, fs.ErrPermission},
		{401, "", all, fs.ErrPermission},
		{400, xmlError("ExpiredToken"), withBody, fs.ErrPermission},
		{400, xmlError("InvalidToken"), withBody, fs.ErrPermission},

		{412, xmlError("PreconditionFailed"), all, nil},
		{412, "", all, nil},
		{409, xmlError("ConditionalRequestConflict"), withBody, nil},
		{409, xmlError("Conflict"), "put complete", nil},
		{409, "", "put complete", nil},
		{416, xmlError("InvalidRange"), "get", nil},

		{503, xmlError("SlowDown"), all, ltxstore.ErrThrottled},
		{503, xmlError("ServiceUnavailable"), all, ltxstore.ErrThrottled},
		{503, "", all, ltxstore.ErrThrottled},
		{503, htmlError, all, ltxstore.ErrThrottled},
		{429, "", all, ltxstore.ErrThrottled},
		{429, htmlError, all, ltxstore.ErrThrottled},
		{400, xmlError("RequestLimitExceeded"), withBody, ltxstore.ErrThrottled},

		{500, xmlError("InternalError"), all, ltxstore.ErrUnavailable},
		{500, "", all, ltxstore.ErrUnavailable},
		{502, htmlError, all, ltxstore.ErrUnavailable},
		{504, "", all, ltxstore.ErrUnavailable},
		{408, "", all, ltxstore.ErrUnavailable},
		{408, xmlError("RequestCanceled"), withBody, ltxstore.ErrUnavailable},
		{400, xmlError("RequestTimeout"), withBody, ltxstore.ErrUnavailable},
		{400, xmlError("IncompleteBody"), withBody, ltxstore.ErrUnavailable},
		{409, xmlError("OperationAborted"), withBody, ltxstore.ErrUnavailable},
		{200, xmlError("InternalError"), "complete", ltxstore.ErrUnavailable},

		{400, xmlError("BadDigest"), withBody, ltxstore.ErrChecksum},
		{400, xmlError("XAmzContentSHA256Mismatch"), withBody, ltxstore.ErrChecksum},
		{400, xmlError("XAmzContentChecksumMismatch"), withBody, ltxstore.ErrChecksum},

		{501, xmlError("NotImplemented"), all, errors.ErrUnsupported},
		{501, "", all, errors.ErrUnsupported},
		{405, xmlError("MethodNotAllowed"), all, errors.ErrUnsupported},

		{400, xmlError("InvalidArgument"), withBody, nil},
		{400, "", all, nil},
		{505, "", all, nil},
	} {
		r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			w.WriteHeader(tt.status)
			if req.Method != http.MethodHead {
				_, _ = io.WriteString(w, tt.body)
			}
		}))
		run := operations(r)
		for _, op := range strings.Fields(tt.ops) {
			name := fmt.Sprintf("%s: %d %.60s", op, tt.status, tt.body)
			cause := run[op](t.Context())
			require.Error(t, cause, name)
			err := r.wrap(cause)
			require.NotNil(t, err)
			var typed *ltxstore.Error
			require.ErrorAs(t, err, &typed)
			assert.Equal(t, tt.want, typed.Kind, name)
			assert.Equal(t, "s3", typed.Backend)
			assert.Equal(t, tt.want, ltxstore.KindOf(err), name)
			kind := kindOf(cause)
			retry := tt.want == ltxstore.ErrThrottled || tt.want == ltxstore.ErrUnavailable
			assert.Equal(t, retry, retryable(cause), name)
			assert.Equal(t, retry, ltxstore.IsRetryable(err), name)
			assert.Equal(t, tt.status == 412, kind == object.ErrPrecondition, name)
			assert.Equal(t, tt.status == 409 && tt.want == nil, kind == object.ErrConflict, name)
			assert.Equal(t, tt.status == 416, kind == object.ErrRange, name)
			assert.Equal(t, tt.want == fs.ErrNotExist, kind == fs.ErrNotExist, name)
			var sdk *smithy.OperationError
			assert.ErrorAs(t, err, &sdk, name)
		}
	}
}

func TestWrapKeeps(t *testing.T) {
	assert.NoError(t, wrap(nil))
	done := &ltxstore.Error{Op: "write", Backend: "s3"}
	assert.Same(t, done, wrap(done))
	err := wrap(context.Canceled)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoError(t, ltxstore.KindOf(err))
	assert.NoError(t, kindOf(nil))
}

func TestSDKErrorIsReachable(t *testing.T) {
	r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(404)
		_, _ = io.WriteString(w, xmlError("NoSuchKey"))
	}))
	err := r.wrap(operations(r)["get"](t.Context()))
	var missing *types.NoSuchKey
	require.ErrorAs(t, err, &missing)
	assert.Contains(t, err.Error(), "s3: open db/x: file does not exist")
	assert.Contains(t, err.Error(), "said the service")
}

func TestTransportFailures(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"closed without an answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"broken off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `<?xml version="1.0"?><ListBucketResult>`)
		},
	} {
		r := replicaAt(t, handler)
		for _, op := range []string{"get", "list"} {
			cause := operations(r)[op](t.Context())
			require.Error(t, cause, name)
			assert.Equal(t, ltxstore.ErrUnavailable, kindOf(cause), "%s %s: %v", name, op, cause)
			assert.True(t, retryable(cause), name)
		}
	}

	cfg := valid()
	cfg.Endpoint, cfg.Retry.MaxAttempts = unreachable, 1
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	assert.ErrorIs(t, wrap(operations(r)["get"](t.Context())), ltxstore.ErrUnavailable)
}

// What a body's reader fails with is the caller's, not the store's.
func TestBodyReaderFailure(t *testing.T) {
	r := replicaAt(t, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { _, _ = io.Copy(io.Discard, req.Body) }))
	broken := errors.New("the disk is gone")
	bucket, key := "bucket", "key"
	_, err := r.api.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: &brokenBody{Reader: strings.NewReader("body"), err: broken}})
	require.ErrorIs(t, err, broken)
	assert.NoError(t, kindOf(err))
	assert.False(t, retryable(err))
}

// brokenBody can be read once, for its hash.
type brokenBody struct {
	*strings.Reader
	err    error
	rewind bool
}

func (b *brokenBody) Seek(offset int64, whence int) (int64, error) {
	b.rewind = b.rewind || b.Reader.Len() == 0
	return b.Reader.Seek(offset, whence)
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.rewind {
		return 0, b.err
	}
	return b.Reader.Read(p)
}

func (b *brokenBody) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{b})
}

func TestWrongCertificateIsPermanent(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	cfg := valid()
	cfg.Endpoint = server.URL
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	err = wrap(operations(r)["get"](t.Context()))
	require.Error(t, err)
	assert.False(t, ltxstore.IsRetryable(err))
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

func TestScrub(t *testing.T) {
	inner := &fs.PathError{Op: "Get", Path: "https://h/b/k?X-Amz-Signature=abc&x-id=GetObject", Err: errors.New("refused")}
	err := wrap(inner)
	assert.Equal(t, `s3: init: Get https://h/b/k: refused`, err.Error())
	var got *fs.PathError
	require.ErrorAs(t, err, &got)

	err = wrap(errors.New("header X-Amz-Security-Token=tok, X-Amz-Signature=sig"))
	assert.NotContains(t, err.Error(), "tok,")
	assert.NotContains(t, err.Error(), "=sig")
}

func TestHintRegion(t *testing.T) {
	for status, body := range map[int]string{301: xmlError("PermanentRedirect"), 400: xmlError("AuthorizationHeaderMalformed")} {
		r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(regionHeader, "eu-west-3")
			w.Header().Set("Location", "https://elsewhere.example.com/")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		err := wrap(operations(r)["list"](t.Context()))
		assert.ErrorContains(t, err, "the bucket is in region eu-west-3")
		var sdk smithy.APIError
		assert.ErrorAs(t, err, &sdk)
	}
}

// responseError is the SDK's error of an answer.
func responseError(status int, header http.Header, err error) error {
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: header}}, Err: err}
}

// A status is believed, but for a success's body: what broke off, or is not what was sent.
func TestKindOfAnAnswer(t *testing.T) {
	mismatch := errors.New("checksum did not match")
	for _, tt := range []struct {
		status int
		err    error
		want   error
	}{
		{200, mismatch, ltxstore.ErrChecksum}, {299, mismatch, ltxstore.ErrChecksum}, {300, mismatch, nil},
		{200, io.ErrUnexpectedEOF, ltxstore.ErrUnavailable}, {299, io.ErrUnexpectedEOF, ltxstore.ErrUnavailable}, {300, io.ErrUnexpectedEOF, nil},
		{200, errors.New("other"), nil},
	} {
		assert.Equal(t, tt.want, kindOfStatus(tt.status, responseError(tt.status, nil, tt.err)), "%d %v", tt.status, tt.err)
	}
	assert.False(t, isBrokenOff(io.ErrUnexpectedEOF), "of no answer")
}

// clockError is how the SDK says that it has learnt the difference of the clocks.
type clockError struct{ error }

func (e clockError) RetryableError() bool { return true }
func (e clockError) Unwrap() error        { return e.error }

// The request that is refused for its time is signed with the right one and sent again.
func TestClockIsLearnt(t *testing.T) {
	refused := responseError(403, nil, &smithy.GenericAPIError{Code: codeSkewed})
	assert.True(t, retryable(clockError{refused}))
	assert.False(t, retryable(refused))
	assert.False(t, retryable(clockError{errors.New("no answer")}))
	assert.True(t, (&bucket{}).Classify(clockError{refused}).Repeat)
}

// Credentials that could not be looked up may be there in a moment if nobody has answered.
func TestKindOfCredentials(t *testing.T) {
	for _, tt := range []struct {
		err, want error
	}{
		{io.ErrUnexpectedEOF, ltxstore.ErrUnavailable},
		{responseError(404, nil, io.ErrUnexpectedEOF), fs.ErrPermission},
		{responseError(500, nil, io.ErrUnexpectedEOF), ltxstore.ErrUnavailable},
		{fmt.Errorf("no EC2 IMDS role found, %w", io.ErrUnexpectedEOF), fs.ErrPermission},
		{errors.New("other"), fs.ErrPermission},
		{context.Canceled, nil},
		{context.DeadlineExceeded, nil},
		{responseError(400, nil, &smithy.GenericAPIError{Code: "Throttling"}), ltxstore.ErrThrottled},
	} {
		assert.Equal(t, tt.want, (&credentialsError{tt.err}).kind(), "%v", tt.err)
	}
}

// A refusal says where the bucket is only if that is what it is about.
func TestHintOfARegion(t *testing.T) {
	for _, tt := range []struct {
		status       int
		code, region string
		want         string
	}{
		{301, "", "eu-west-3", "the bucket is in region eu-west-3"}, {307, "", "eu-west-3", "the bucket is in region eu-west-3"},
		{400, "AuthorizationHeaderMalformed", "eu-west-3", "the bucket is in region eu-west-3"},
		{403, "AccessDenied", "eu-west-3", ""}, {301, "", "", ""}, {301, "", "<b>", ""},
	} {
		err := responseError(tt.status, http.Header{regionHeader: {tt.region}}, &smithy.GenericAPIError{Code: tt.code})
		assert.Equal(t, tt.want, hintOf(err), "%v", tt)
	}
}

// A HEAD's refusal is one for its time if the clocks are more than S3's bound apart.
func TestSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			status int
			code   string
			apart  time.Duration
			want   bool
		}{
			{403, "Forbidden", 15 * time.Minute, false}, {403, "Forbidden", 15*time.Minute + time.Second, true}, {403, "Forbidden", -15*time.Minute - time.Second, true},
			{403, "AccessDenied", time.Hour, false}, {404, "Forbidden", time.Hour, false}, {400, codeSkewed, 0, true},
		} {
			header := http.Header{"Date": {time.Now().Add(tt.apart).UTC().Format(http.TimeFormat)}}
			assert.Equal(t, tt.want, isSkewed(responseError(tt.status, header, &smithy.GenericAPIError{Code: tt.code})), "%v", tt)
		}
	})
}

// A foreign answer is of its kind, and of what it could not be read with.
func TestForeignError(t *testing.T) {
	assert.ErrorIs(t, &foreignError{why: "w"}, ltxstore.ErrUnavailable)
	assert.NotErrorIs(t, &foreignError{why: "w", kind: fs.ErrInvalid}, ltxstore.ErrUnavailable)
	both := &foreignError{why: "w", err: io.ErrUnexpectedEOF}
	assert.ErrorIs(t, both, io.ErrUnexpectedEOF)
	assert.ErrorIs(t, both, ltxstore.ErrUnavailable)
	assert.Equal(t, []error{fs.ErrInvalid}, (&foreignError{kind: fs.ErrInvalid}).Unwrap())
}

// What a failure is said to be where the service has no words for it.
func TestWordsOfAnAnswer(t *testing.T) {
	for status, want := range map[int]string{200: "broken", 299: "broken", 300: "", 500: ""} {
		code, message := inWords(&smithy.OperationError{ServiceID: serviceName, Err: responseError(status, nil, errors.New("broken"))})
		assert.Empty(t, code)
		assert.Equal(t, want, message, status)
	}
	for _, err := range []error{errors.New("plain"), responseError(500, nil, nil)} {
		_, message := inWords(&smithy.OperationError{ServiceID: serviceName, Err: err})
		assert.Equal(t, err.Error(), message)
	}
}
