package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// An answer is a listing if it says so of this bucket and prefix, by whatever
// name; what is none is an error, of LTXFiles and of DeleteAll.
func TestForeignListing(t *testing.T) {
	for answer, want := range map[string]error{
		// Of services that have other names, or leave out what is not needed.
		`<ListBucketResult><Name>bucket</Name><Prefix>%[1]s</Prefix></ListBucketResult>`:                                       nil,
		`<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`:                                                nil,
		`<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>`:                                                          nil,
		`<ListObjectsV2Output><Name>bucket</Name><Prefix>%[1]s</Prefix><IsTruncated>false</IsTruncated></ListObjectsV2Output>`: nil,
		`<ListBucketResult><Name>bucket</Name><Prefix>%[2]s</Prefix><EncodingType>url</EncodingType></ListBucketResult>`:       nil,
		`<ListBucketResult><Name>bucket</Name><Prefix>%[2]s</Prefix></ListBucketResult>`:                                       nil,
		`<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>`:                                                 ltxstore.ErrStoreNotFound,
		`<ListAllMyBucketsResult><Prefix>%[1]s</Prefix><IsTruncated>false</IsTruncated></ListAllMyBucketsResult>`:              ltxstore.ErrStoreNotFound,
		`<ListBucketResult/>`: ltxstore.ErrUnavailable,
		`<ListBucketResult><Name>other</Name><Prefix>%[1]s</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>`:              ltxstore.ErrUnavailable,
		`<ListBucketResult><Name>bucket</Name><Prefix>other/</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>`:            ltxstore.ErrUnavailable,
		`<ListBucketResult><Name>bucket</Name><Prefix></Prefix><Marker></Marker><IsTruncated>false</IsTruncated></ListBucketResult>`: ltxstore.ErrUnavailable,
		`<ListMultipartUploadsResult><Bucket>bucket</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`:           ltxstore.ErrUnavailable,
		`<LocationConstraint>eu-west-1</LocationConstraint>`:                                                                         ltxstore.ErrUnavailable,
		`<FooResult><IsTruncated>false</IsTruncated></FooResult>`:                                                                    ltxstore.ErrUnavailable,
		`<html><head></head><body></body></html>`:                                                                                    ltxstore.ErrUnavailable,
		`<!DOCTYPE html><html><p>a<br></html>`:                                                                                       ltxstore.ErrUnavailable,
		`{"items":[]}`:                                                                                                               ltxstore.ErrUnavailable,
		`OK`:                                                                                                                         ltxstore.ErrUnavailable,
		``:                                                                                                                           ltxstore.ErrUnavailable,
		`<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>`:                                                      ltxstore.ErrUnavailable,
	} {
		s, c := newStub(t, nil)
		s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if kindOfRequest(r) != "LIST" {
				return false
			}
			prefix := r.URL.Query().Get("prefix")
			_, _ = io.WriteString(w, strings.NewReplacer("%[1]s", prefix, "%[2]s", strings.ReplaceAll(prefix, "/", "%2F")).Replace(answer))
			return true
		})
		found, err := stubList(t.Context(), c, 0, 0, false)
		assert.ErrorIs(t, err, want, answer)
		assert.Empty(t, found)
		assert.ErrorIs(t, c.DeleteAll(t.Context()), want, answer)
	}
}

// A bucket may be answered for by another name.
func TestListingOfAnotherName(t *testing.T) {
	for bucket, name := range map[string]string{
		"arn:aws:s3:us-east-1:123456789012:accesspoint/a": "behind", "point-abc-s3alias": "behind", "tenant:name": "name",
	} {
		in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("p/")}
		out := &s3.ListObjectsV2Output{Name: &name, Prefix: aws.String("p/")}
		assert.NoError(t, judge("ListBucketResult", in, out), bucket)
	}
}

// The same for a list of uploads, in which DeleteAll believes nobody but the
// service that there are none.
func TestForeignUploads(t *testing.T) {
	for _, test := range []struct {
		status int
		answer string
		want   error
	}{
		{200, `<ListMultipartUploadsResult><Bucket>bucket</Bucket></ListMultipartUploadsResult>`, nil},
		{200, `<ListMultipartUploadsOutput><Bucket>bucket</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsOutput>`, nil},
		{404, xmlError("NoSuchUpload"), nil},
		{501, xmlError("NotImplemented"), nil},
		{405, xmlError("MethodNotAllowed"), nil},
		{501, "", nil}, // a service may have no more to say
		{405, htmlError, fs.ErrInvalid},
		{404, "404 page not found", fs.ErrInvalid},
		{404, xmlError("NoSuchBucket"), ltxstore.ErrStoreNotFound},
		{200, `<ListMultipartUploadsResult/>`, fs.ErrInvalid},
		{200, `<ListMultipartUploadsResult><Bucket>other</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`, fs.ErrInvalid},
		{200, `<ListMultipartUploadsResult><Prefix>other</Prefix><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`, fs.ErrInvalid},
		{200, `<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>`, fs.ErrInvalid},
		{200, `<ListMultipartUploadsResult><Bucket>bucket</Bucket><NextKeyMarker>k</NextKeyMarker></ListMultipartUploadsResult>`, fs.ErrInvalid},
		{200, htmlError, fs.ErrInvalid},
	} {
		s, c := newStub(t, nil)
		s.tell(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if kindOfRequest(r) != "LISTUPLOADS" {
				return false
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.answer)
			return true
		})
		err := c.DeleteAll(t.Context())
		switch test.want {
		case fs.ErrInvalid: // of whatever kind
			assert.Error(t, err, "%d %s", test.status, test.answer)
		default:
			assert.ErrorIs(t, err, test.want, "%d %s", test.status, test.answer)
		}
	}
}

// Uploads are begun, completed and aborted by what the answers say, not by
// their names; those of another upload are none.
func TestForeignUpload(t *testing.T) {
	for _, test := range []struct {
		operation, answer string
		ok                bool
	}{
		{"CreateMultipartUpload", `<InitiateMultipartUpload><Bucket>bucket</Bucket><Key>` + writeKey + `</Key><UploadId>%s</UploadId></InitiateMultipartUpload>`, true},
		{"CreateMultipartUpload", `<x><UploadId>%s</UploadId></x>`, true},
		{"CreateMultipartUpload", `<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>other</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>`, false},
		{"CreateMultipartUpload", `<InitiateMultipartUploadResult><Bucket>other</Bucket><Key>` + writeKey + `</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>`, false},
		{"CreateMultipartUpload", `<InitiateMultipartUploadResult><Bucket>bucket</Bucket></InitiateMultipartUploadResult>`, false},
		{"CreateMultipartUpload", `<ListMultipartUploadsResult><Upload><UploadId>%s</UploadId></Upload></ListMultipartUploadsResult>`, false},
		{"CompleteMultipartUpload", `<CompleteMultipartUpload><Bucket>bucket</Bucket><Key>/` + writeKey + `</Key><ETag>"x"</ETag></CompleteMultipartUpload>`, true},
		{"CompleteMultipartUpload", `<CompleteMultipartUploadResult></CompleteMultipartUploadResult>`, true}, // it is looked at
		{"CompleteMultipartUpload", `<CompleteMultipartUploadResult><Key>other</Key><ETag>"x"</ETag></CompleteMultipartUploadResult>`, false},
		{"CompleteMultipartUpload", `<ListPartsResult></ListPartsResult>`, false},
	} {
		w := newWriteBench(t, s3fake.Options{}, nil)
		w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: test.operation}, Times: -1,
			Do: func(x httpfault.Exchange, rw http.ResponseWriter, r *http.Request) {
				own := httptest.NewRecorder()
				x.Next.ServeHTTP(own, r)
				answer := test.answer
				if id := regexp.MustCompile("<UploadId>(.*)</UploadId>").FindStringSubmatch(own.Body.String()); id != nil {
					answer = strings.ReplaceAll(answer, "%s", id[1])
				}
				_, _ = io.WriteString(rw, answer)
			}})
		_, err := w.write(t, bytes.NewReader(plainBody(2*writePart)))
		if test.ok {
			assert.NoError(t, err, test.answer)
		} else {
			assert.Error(t, err, test.answer)
		}
	}
}

// An aborted upload is one of which the service says so.
func TestForeignAbort(t *testing.T) {
	for _, page := range []httpfault.Effect{httpfault.HTML(200), httpfault.HTML(404), httpfault.Status(404, nil, "")} {
		w := newWriteBench(t, s3fake.Options{}, nil)
		w.server.AddUpload("bucket", writeKey)
		w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "AbortMultipartUpload"}, Times: -1, Do: page})
		assert.ErrorIs(t, w.DeleteAll(t.Context()), ltxstore.ErrUnavailable)
		assert.Len(t, w.server.Uploads("bucket"), 1)
		w.faults.Clear()
		require.NoError(t, w.DeleteAll(t.Context()))
		assert.Empty(t, w.server.Uploads("bucket"))
	}
}

// Listings that repeat end with an error, whatever the length of the cycle, as
// do those whose pages bring nothing.
func TestListingRepeats(t *testing.T) {
	runs := race.OneOf(3)
	entry := func(id int) string {
		return fmt.Sprintf("<Contents><Key>%s</Key><Size>1</Size><LastModified>2024-01-01T00:00:00Z</LastModified></Contents>", stubKey("%[1]s", id))
	}
	for name, page := range map[string]func(n int) string{
		"same token": func(n int) string { return "<NextContinuationToken>a</NextContinuationToken>" + entry(n) },
		"two tokens": func(n int) string {
			return fmt.Sprintf("<NextContinuationToken>t%d</NextContinuationToken>", n%2) + entry(n)
		},
		"seven tokens": func(n int) string {
			return fmt.Sprintf("<NextContinuationToken>t%d</NextContinuationToken>", n%7) + entry(n)
		},
		"no tokens end": func(n int) string { return fmt.Sprintf("<NextContinuationToken>t%d</NextContinuationToken>", n) },
		"same page": func(n int) string {
			return fmt.Sprintf("<NextContinuationToken>t%d</NextContinuationToken>", n) + entry(1)
		},
		"two pages": func(n int) string {
			return fmt.Sprintf("<NextContinuationToken>t%d</NextContinuationToken>", n) + entry(n%2+1)
		},
		"empty, by turn": func(n int) string { return fmt.Sprintf("<NextContinuationToken>t%d</NextContinuationToken>", n%2) },
	} {
		for _, unsorted := range []bool{false, true} {
			if !runs() {
				continue
			}
			s, c := newStub(t, func(r *replica) { r.provider.unsorted = unsorted })
			s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
				if kindOfRequest(r) != "LIST" {
					return false
				}
				assert.LessOrEqual(t, n, 4*flow.MaxEmptyPages, name)
				text := strings.ReplaceAll(page(n), "%[1]s", r.URL.Query().Get("prefix"))
				_, _ = io.WriteString(w, "<ListBucketResult><IsTruncated>true</IsTruncated>"+text+"</ListBucketResult>")
				return true
			})
			_, err := stubList(t.Context(), c, 0, 0, false)
			assert.Error(t, err, name)
			assert.Error(t, c.DeleteAll(t.Context()), name)
		}
	}
}

func TestUploadsRepeat(t *testing.T) {
	for name, page := range map[string]func(n int) string{
		"same": func(int) string { return "<NextKeyMarker>a</NextKeyMarker>" },
		"two":  func(n int) string { return fmt.Sprintf("<NextKeyMarker>a%d</NextKeyMarker>", n%2) },
		"three IDs": func(n int) string {
			return fmt.Sprintf("<NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>%d</NextUploadIdMarker>", n%3)
		},
		"empty": func(n int) string { return fmt.Sprintf("<NextKeyMarker>a%d</NextKeyMarker>", n) },
		"same uploads": func(n int) string {
			return fmt.Sprintf("<NextKeyMarker>a%d</NextKeyMarker><Upload><Key>k</Key><UploadId>i</UploadId></Upload>", n)
		},
		"nothing to go": func(int) string { return "" },
	} {
		s, c := newStub(t, nil)
		s.tell(func(n int, w http.ResponseWriter, r *http.Request) bool {
			if kindOfRequest(r) != "LISTUPLOADS" {
				return false
			}
			assert.LessOrEqual(t, n, 4*flow.MaxEmptyPages, name)
			_, _ = io.WriteString(w, "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>"+page(n)+"</ListMultipartUploadsResult>")
			return true
		})
		assert.Error(t, c.DeleteAll(t.Context()), name)
	}
}

// No answer but an object's content is read for ever, nor into much memory.
func TestAnswersAreBounded(t *testing.T) {
	var status int
	var begin string
	r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		w.Header().Set("ETag", `"x"`)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, begin)
		chunk := bytes.Repeat([]byte(" x"), 32<<10)
		if strings.HasPrefix(begin, " ") {
			chunk = bytes.Repeat([]byte("  "), 32<<10)
		}
		for req.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	answers := []struct {
		status int
		begin  string
	}{
		{200, "<ListBucketResult><Name>"}, {200, "<CompleteMultipartUploadResult><ETag>"}, {200, " "},
		{404, "<Error><Code>"}, {404, "<!--"}, {400, "<Error><Code>NoSuchKey</Code><Message>"}, {503, " "}, {200, "<Error><Message>"},
	}
	if race.Enabled { // it makes each a matter of seconds, and counts no bytes
		answers = answers[:1]
	}
	for _, answer := range answers {
		status, begin = answer.status, answer.begin
		for name, run := range operations(r) {
			if !strings.Contains("list complete put get", name) || name == "get" && status == 200 || race.Enabled && name != "list" {
				continue
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := run(t.Context())
			runtime.ReadMemStats(&after)
			if name != "put" && name != "part" || status != 200 {
				assert.Error(t, err, "%s %d %s", name, status, begin)
			}
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20*maxDocument), "%s %d %s", name, status, begin)
		}
	}
}

// What makes an answer one to its request: what it repeats of it, else what the operation
// needs, else its name.
func TestJudge(t *testing.T) {
	bucket, key, id, empty := aws.String("bucket"), aws.String("key"), aws.String("id"), aws.String("")
	yes, none := aws.Bool(true), aws.Int32(0)
	list := &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("p/")}
	uploads := &s3.ListMultipartUploadsInput{Bucket: bucket, Prefix: aws.String("p/")}
	parts := &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: id}
	create := &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key}
	complete := &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: id}
	remove := &s3.DeleteObjectsInput{Bucket: bucket}
	for _, tt := range []struct {
		root    string
		in, out any
		want    string // in the error
	}{
		{"ListBucketResult", list, &s3.ListObjectsV2Output{}, "<ListBucketResult>"},
		{"", list, &s3.ListObjectsV2Output{}, ": nothing"},
		{"x", list, &s3.ListObjectsV2Output{Name: bucket}, ""},
		{"x", list, &s3.ListObjectsV2Output{Name: key}, `its Name is "key"`},
		{"x", list, &s3.ListObjectsV2Output{Name: empty, KeyCount: none}, "<x>"},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{Prefix: aws.String("p/")}, ""},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{Prefix: aws.String("p%2F")}, ""},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{Prefix: aws.String("/p/")}, ""},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{Prefix: aws.String("q/")}, "its Prefix"},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{Prefix: aws.String("%")}, "its Prefix"},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{IsTruncated: yes}, ""},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{KeyCount: none}, ""},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{Contents: []types.Object{{}}}, ""},
		{"ListBucketResult", list, &s3.ListObjectsV2Output{CommonPrefixes: []types.CommonPrefix{{}}}, ""},
		{"x", list, &s3.ListObjectsV2Output{CommonPrefixes: []types.CommonPrefix{{}}}, "<x>"},
		{"ListMultipartUploadsResult", uploads, &s3.ListMultipartUploadsOutput{}, "without the expected content"},
		{"ListMultipartUploadsResult", uploads, &s3.ListMultipartUploadsOutput{Prefix: aws.String("p/")}, ""},
		{"ListMultipartUploadsResult", uploads, &s3.ListMultipartUploadsOutput{IsTruncated: yes}, ""},
		{"ListMultipartUploadsResult", uploads, &s3.ListMultipartUploadsOutput{Uploads: []types.MultipartUpload{{}}}, ""},
		{"x", uploads, &s3.ListMultipartUploadsOutput{Uploads: []types.MultipartUpload{{}}}, "<x>"},
		{"x", uploads, &s3.ListMultipartUploadsOutput{Bucket: bucket}, ""},
		{"ListPartsResult", parts, &s3.ListPartsOutput{}, ""},
		{"x", parts, &s3.ListPartsOutput{UploadId: id}, ""},
		{"x", parts, &s3.ListPartsOutput{Key: key}, "<x>"},
		{"ListPartsResult", parts, &s3.ListPartsOutput{UploadId: key}, "its UploadId"},
		{"x", create, &s3.CreateMultipartUploadOutput{UploadId: id}, ""},
		{"x", create, &s3.CreateMultipartUploadOutput{Key: key}, "<x>"},
		{"x", create, &s3.CreateMultipartUploadOutput{UploadId: id, Key: id}, "its Key"},
		{"x", complete, &s3.CompleteMultipartUploadOutput{ETag: id}, ""},
		{"x", complete, &s3.CompleteMultipartUploadOutput{Key: key}, "<x>"},
		{"", complete, &s3.CompleteMultipartUploadOutput{}, ""},
		{"CompleteMultipartUploadResult", complete, &s3.CompleteMultipartUploadOutput{}, ""},
		{"x", remove, &s3.DeleteObjectsOutput{}, "<x>"},
		{"", remove, &s3.DeleteObjectsOutput{}, ""},
		{"DeleteResult", remove, &s3.DeleteObjectsOutput{}, ""},
		{"x", remove, &s3.DeleteObjectsOutput{Deleted: []types.DeletedObject{{}}}, ""},
		{"x", remove, &s3.DeleteObjectsOutput{Errors: []types.Error{{}}}, ""},
		{"x", &s3.PutObjectInput{}, &s3.PutObjectOutput{}, ""},
	} {
		err := judge(tt.root, tt.in, tt.out)
		if tt.want == "" {
			assert.NoError(t, err, "%s %T", tt.root, tt.out)
			continue
		}
		assert.ErrorContains(t, err, tt.want)
	}
	for asked, names := range map[string][2]bool{ // with another name, and with none
		"bucket": {false, false}, "arn:aws:s3:r:1:accesspoint/n": {true, false}, "n-x-s3alias": {true, false}, "n--ol-s3": {true, false}, "tenant:bucket": {false, false},
	} {
		for i, got := range []*string{aws.String("behind"), nil} {
			e := new(echo)
			e.bucket(&asked, got)
			assert.Equal(t, names[i], e.repeats("Name"), "%s %d", asked, i)
		}
	}
	for _, got := range []string{"bucket", "tenant:bucket"} {
		e := new(echo)
		e.bucket(aws.String("tenant:bucket"), &got)
		assert.True(t, e.repeats("Name"), got)
	}
}

// How much is read of an answer to an operation.
func TestBoundAnswers(t *testing.T) {
	for _, tt := range []struct {
		status    int
		operation string
		want      int64
	}{
		{200, "ListObjectsV2", maxDocument}, {200, "PutObject", maxError}, {200, "GetObject", maxDocument + 1},
		{404, "ListObjectsV2", maxError}, {404, "GetObject", maxError}, {300, "PutObject", maxError},
	} {
		out, _, err := boundAnswers(tt.operation).HandleDeserialize(t.Context(), middleware.DeserializeInput{}, middleware.DeserializeHandlerFunc(
			func(context.Context, middleware.DeserializeInput) (out middleware.DeserializeOutput, metadata middleware.Metadata, err error) {
				body := io.NopCloser(io.LimitReader(endless{}, maxDocument+1))
				out.RawResponse = &smithyhttp.Response{Response: &http.Response{StatusCode: tt.status, Body: body}}
				return out, metadata, nil
			}))
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, out.RawResponse.(*smithyhttp.Response).Body)
		assert.Equal(t, tt.want, n, tt)
		assert.Equal(t, tt.want > maxDocument, err == nil, tt)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A header that is signed over is sent, and one that is not there is not.
func TestSignedWithoutAcceptEncoding(t *testing.T) {
	for _, want := range [][]string{{"identity"}, nil} {
		stack := middleware.NewStack("GetObject", smithyhttp.NewStackRequest)
		require.NoError(t, stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Signing",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				assert.Empty(t, in.Request.(*smithyhttp.Request).Header, "signed")
				return next.HandleFinalize(ctx, in)
			}), middleware.After))
		require.NoError(t, signWithoutAcceptEncoding(stack))
		req := smithyhttp.NewStackRequest().(*smithyhttp.Request)
		if want != nil {
			req.Header["Accept-Encoding"] = want
		}
		_, _, err := stack.Finalize.HandleMiddleware(t.Context(), req, middleware.HandlerFunc(func(_ context.Context, input any) (any, middleware.Metadata, error) {
			assert.Equal(t, want, input.(*smithyhttp.Request).Header["Accept-Encoding"])
			return nil, middleware.Metadata{}, nil
		}))
		require.NoError(t, err)
	}
}

// What changes the SDK's stack fails if that is not as it was.
func TestStackIsAsItWas(t *testing.T) {
	stack := func(operation string) *middleware.Stack {
		return middleware.NewStack(operation, smithyhttp.NewStackRequest)
	}
	assert.NoError(t, skipEmpty(stack("PutObject")), "which only costs")
	assert.NoError(t, readETag(stack("PutObject")), "which only costs")
	assert.Error(t, withoutCRC(stack("DeleteObjects")))
	assert.Error(t, signWithoutAcceptEncoding(stack("PutObject")))
	hash := payloadHash(new(v4.UnsignedPayload))
	assert.NoError(t, hash(stack("GetObject")))
	assert.Error(t, hash(stack("PutObject")))
	assert.Error(t, hash(stack("UploadPart")))

	assert.Error(t, refuseForeign(stack("GetObject")), "what reads an answer is not there")
}

// A success that is an error in its content is that error.
func TestErrorInASuccess(t *testing.T) {
	r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, xmlError("AccessDenied"))
	}))
	for _, name := range []string{"complete", "put"} {
		assert.Equal(t, fs.ErrPermission, kindOf(operations(r)[name](t.Context())), name)
	}
	assert.True(t, r.api.Options().DisableLogOutputChecksumValidationSkipped, "a line for each range")
}

// An object that a HEAD does not find, and a GET does, is an outage, even if it is empty.
func TestFoundAfterAll(t *testing.T) {
	for content, status := range map[string]int{"": 200, "x": 200, "y": 206} {
		r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("ETag", `"x"`)
			switch {
			case req.Method == http.MethodHead:
				w.WriteHeader(404)
			case status == 206:
				w.Header().Set("Content-Range", "bytes 0-0/1")
				fallthrough
			default:
				w.WriteHeader(status)
				_, _ = io.WriteString(w, content)
			}
		}))
		o, err := r.bucket().Head(t.Context(), "key", "")
		if content == "" {
			assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
			continue
		}
		require.NoError(t, err)
		assert.EqualValues(t, 1, o.Size)
	}
}

// An upload remains only if the service says so; what it may not be asked, nobody knows.
func TestUploadRemains(t *testing.T) {
	for _, tt := range []struct {
		status  int
		body    string
		remains bool
		failed  bool
	}{
		{200, "<ListPartsResult/>", true, false}, {404, xmlError("NoSuchUpload"), false, false}, {404, xmlError("NoSuchKey"), false, false},
		{403, xmlError("AccessDenied"), false, false}, {501, xmlError("NotImplemented"), false, false}, {500, xmlError("InternalError"), false, true},
	} {
		r := replicaAt(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		remains, err := r.bucket().UploadRemains(t.Context(), object.Upload{Key: "key", ID: "id"})
		assert.Equal(t, tt.remains, remains, tt)
		assert.Equal(t, tt.failed, err != nil, tt)
	}
}
