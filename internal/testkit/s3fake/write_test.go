package s3fake_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// Of conditional writes at the same time one is stored, and the others know.
func TestRacingConditionalPuts(t *testing.T) {
	s := serve(t, s3fake.Options{})
	const n = 16
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, errs[i] = s.client.PutObject(t.Context(), put("key", fmt.Sprint(i), func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }))
		})
	}
	wg.Wait()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			s.holds(t, "key", fmt.Sprint(i))
			continue
		}
		requireCode(t, err, "PreconditionFailed")
	}
	assert.Equal(t, 1, winners)
}

func TestConditions(t *testing.T) {
	s := serve(t, s3fake.Options{})
	out, err := s.client.PutObject(t.Context(), put("key", "one"))
	require.NoError(t, err)
	with := func(match, none string) func(*s3.PutObjectInput) {
		return func(in *s3.PutObjectInput) {
			if match != "" {
				in.IfMatch = aws.String(match)
			}
			if none != "" {
				in.IfNoneMatch = aws.String(none)
			}
		}
	}
	for _, tt := range []struct{ key, match, none, code string }{
		{"key", "", "*", "PreconditionFailed"},
		{"key", `"another"`, "", "PreconditionFailed"},
		{"none", *out.ETag, "", "NoSuchKey"},
		{"key", "", *out.ETag, "NotImplemented"},
	} {
		_, err := s.client.PutObject(t.Context(), put(tt.key, "two", with(tt.match, tt.none)))
		requireCode(t, err, tt.code)
		s.holds(t, "key", "one")
	}
	_, err = s.client.PutObject(t.Context(), put("key", "two", with(*out.ETag, "")))
	require.NoError(t, err)
	s.holds(t, "key", "two")

	_, code, _ := s.send(t, "GET", "/bucket/key", "", "If-Match", *out.ETag)
	assert.Equal(t, "PreconditionFailed", code)
	status, _, _ := s.send(t, "GET", "/bucket/key", "", "If-None-Match", "*")
	assert.Equal(t, http.StatusNotModified, status)
}

// begun is an upload with parts.
type begun struct {
	*service
	id    string
	parts []types.CompletedPart
}

func (s *service) begin(t *testing.T, parts ...string) *begun {
	t.Helper()
	out, err := s.client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(name), Key: aws.String("key")})
	require.NoError(t, err)
	b := &begun{service: s, id: *out.UploadId}
	for i, body := range parts {
		part, err := b.part(t, i+1, body)
		require.NoError(t, err)
		b.parts = append(b.parts, types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: part.ETag})
	}
	return b
}

func (b *begun) part(t *testing.T, number int, body string) (*s3.UploadPartOutput, error) {
	t.Helper()
	return b.client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String(name), Key: aws.String("key"), UploadId: aws.String(b.id),
		PartNumber: aws.Int32(int32(number)), Body: strings.NewReader(body)})
}

func (b *begun) complete(t *testing.T, parts []types.CompletedPart) error {
	t.Helper()
	_, err := b.client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: aws.String(name), Key: aws.String("key"),
		UploadId: aws.String(b.id), MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	return err
}

func TestMultipart(t *testing.T) {
	small := s3fake.Options{MinPart: 4, MaxParts: 3}
	equal := s3fake.Options{MinPart: 1, EqualParts: true}
	for name, tt := range map[string]struct {
		opt   s3fake.Options
		parts []string
		list  func([]types.CompletedPart) []types.CompletedPart
		code  string
		want  string
	}{
		"right":        {opt: small, parts: []string{"aaaa", "bbbbb", "c"}, want: "aaaabbbbbc"},
		"some parts":   {opt: small, parts: []string{"aaaa", "bbbb", "cc"}, list: func(p []types.CompletedPart) []types.CompletedPart { return p[1:] }, want: "bbbbcc"},
		"order":        {opt: small, parts: []string{"aaaa", "bbbb"}, list: func(p []types.CompletedPart) []types.CompletedPart { return []types.CompletedPart{p[1], p[0]} }, code: "InvalidPartOrder"},
		"twice":        {opt: small, parts: []string{"aaaa", "bbbb"}, list: func(p []types.CompletedPart) []types.CompletedPart { return []types.CompletedPart{p[0], p[0]} }, code: "InvalidPartOrder"},
		"ETag":         {opt: small, parts: []string{"aaaa", "bbbb"}, list: func(p []types.CompletedPart) []types.CompletedPart { p[1].ETag = p[0].ETag; return p }, code: "InvalidPart"},
		"unknown part": {opt: small, parts: []string{"aaaa"}, list: func(p []types.CompletedPart) []types.CompletedPart { p[0].PartNumber = aws.Int32(2); return p }, code: "InvalidPart"},
		"checksum unasked": {opt: small, parts: []string{"aaaa"}, list: func(p []types.CompletedPart) []types.CompletedPart {
			p[0].ChecksumCRC32 = aws.String("AAAAAA==")
			return p
		}, code: "InvalidPart"},
		"small part":        {opt: small, parts: []string{"aaaa", "b", "cccc"}, code: "EntityTooSmall"},
		"default is 5 MiB":  {parts: []string{strings.Repeat("a", 5<<20-1), "b"}, code: "EntityTooSmall"},
		"no part":           {opt: small, parts: []string{"aaaa"}, list: func([]types.CompletedPart) []types.CompletedPart { return nil }, code: "MalformedXML"},
		"equal":             {opt: equal, parts: []string{"aaaa", "bbbb", "c"}, want: "aaaabbbbc"},
		"not equal":         {opt: equal, parts: []string{"aaaa", "bbb", "cccc"}, code: "InvalidPart"},
		"not equal, larger": {opt: equal, parts: []string{"aaaa", "bbbb", "ccccc"}, code: "InvalidPart"},
		"equal, one":        {opt: equal, parts: []string{"aaaa"}, want: "aaaa"},
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t, tt.opt).begin(t, tt.parts...)
			list := b.parts
			if tt.list != nil {
				list = tt.list(list)
			}
			err := b.complete(t, list)
			if tt.code == "" {
				require.NoError(t, err)
				b.holds(t, "key", tt.want)
				assert.Empty(t, b.Uploads("bucket"))
				requireCode(t, b.complete(t, list), "NoSuchUpload")
				return
			}
			requireCode(t, err, tt.code)
			assert.Empty(t, b.Keys("bucket"))
			assert.Equal(t, []string{"key"}, b.Uploads("bucket"), "it can be completed or aborted still")
		})
	}
}

func TestParts(t *testing.T) {
	b := serve(t, s3fake.Options{MaxParts: 3}).begin(t, "aaaa", "bb")
	for _, number := range []int{-1, 0, 4} {
		_, err := b.part(t, number, "x")
		requireCode(t, err, "InvalidArgument")
	}
	list := func() (*s3.ListPartsOutput, error) {
		return b.client.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String(name), Key: aws.String("key"), UploadId: aws.String(b.id)})
	}
	out, err := list()
	require.NoError(t, err)
	require.Len(t, out.Parts, 2)
	assert.EqualValues(t, 2, *out.Parts[1].Size)

	in := &s3.AbortMultipartUploadInput{Bucket: aws.String(name), Key: aws.String("key"), UploadId: aws.String(b.id)}
	_, err = b.client.AbortMultipartUpload(t.Context(), in)
	require.NoError(t, err)
	_, err = b.client.AbortMultipartUpload(t.Context(), in)
	requireCode(t, err, "NoSuchUpload")
	_, err = list()
	requireCode(t, err, "NoSuchUpload")
	_, err = b.part(t, 1, "x")
	requireCode(t, err, "NoSuchUpload")
	assert.Empty(t, b.Uploads(name))
}

func TestCustomerKey(t *testing.T) {
	s := serveTLS(t, s3fake.Options{})
	key, other := strings.Repeat("k", 32), strings.Repeat("o", 32)
	header := func(key string) []string {
		const prefix = "X-Amz-Server-Side-Encryption-Customer-"
		return []string{prefix + "Algorithm", "AES256", prefix + "Key", encoded(key), prefix + "Key-Md5", md5Of(key)}
	}
	status, _, _ := s.send(t, "PUT", "/bucket/key", "body", header(key)...)
	require.Equal(t, http.StatusOK, status)
	s.Put(name, "plain", []byte("body"))
	short, wrongMD5 := header("short"), header(key)
	wrongMD5[5] = md5Of(other)
	for _, tt := range []struct {
		object string
		header []string
		status int
		code   string
	}{
		{"key", header(key), 200, ""},
		{"key", header(other), 403, "AccessDenied"},
		{"key", nil, 400, "InvalidRequest"},
		{"plain", header(key), 400, "InvalidRequest"},
		{"plain", nil, 200, ""},
		{"key", short, 400, "InvalidArgument"},
		{"key", wrongMD5, 400, "InvalidArgument"},
	} {
		status, code, answer := s.send(t, "GET", "/bucket/"+tt.object, "", tt.header...)
		assert.Equal(t, tt.status, status, tt)
		assert.Equal(t, tt.code, code, tt)
		if status == 200 && tt.header != nil {
			assert.Equal(t, md5Of(key), answer.Get("X-Amz-Server-Side-Encryption-Customer-Key-Md5"))
		}
		status, _, _ = s.send(t, "HEAD", "/bucket/"+tt.object, "", tt.header...)
		assert.Equal(t, tt.status, status, tt)
	}
	_, code, _ := serve(t, s3fake.Options{}).send(t, "PUT", "/bucket/key", "body", header(key)...)
	assert.Equal(t, "InvalidRequest", code, "the key came without TLS")
	status, _, _ = serve(t, s3fake.Options{PlainSSEC: true}).send(t, "PUT", "/bucket/key", "body", header(key)...)
	assert.Equal(t, http.StatusOK, status)

	b := s.begin(t)
	status, code, _ = s.send(t, "PUT", "/bucket/key?partNumber=1&uploadId="+b.id, "body", header(key)...)
	assert.Equal(t, 400, status)
	assert.Equal(t, "InvalidRequest", code, "the upload has no key")
}

func TestGet(t *testing.T) {
	s := serve(t, s3fake.Options{})
	s.Put(name, "key", []byte("0123456789"))
	for span, want := range map[string]string{"bytes=2-4": "234", "bytes=7-": "789", "bytes=-2": "89", "bytes=8-100": "89"} {
		out, err := s.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(name), Key: aws.String("key"), Range: aws.String(span)})
		require.NoError(t, err)
		body, err := io.ReadAll(out.Body)
		require.NoError(t, err)
		assert.Equal(t, want, string(body), span)
	}
	status, code, answer := s.send(t, "GET", "/bucket/key", "", "Range", "bytes=10-")
	assert.Equal(t, 416, status)
	assert.Equal(t, "InvalidRange", code)
	assert.Equal(t, "bytes */10", answer.Get("Content-Range"))
	_, code, _ = s.send(t, "GET", "/bucket/none", "")
	assert.Equal(t, "NoSuchKey", code)
	status, _, _ = s.send(t, "PATCH", "/bucket/key", "")
	assert.Equal(t, http.StatusNotImplemented, status)
}

func TestDelete(t *testing.T) {
	const some = "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>"
	for name, tt := range map[string]struct {
		opt    s3fake.Options
		body   string
		header []string
		code   string
	}{
		"MD5":            {s3fake.Options{}, some, []string{"Content-Md5", md5Of(some)}, ""},
		"nothing":        {s3fake.Options{}, some, nil, "MissingContentMD5"},
		"wrong MD5":      {s3fake.Options{}, some, []string{"Content-Md5", md5Of("")}, "BadDigest"},
		"MD5 is refused": {s3fake.Options{RefuseDeleteMD5: true}, some, []string{"Content-Md5", md5Of(some)}, "InvalidArgument"},
		"none is wanted": {s3fake.Options{RefuseDeleteMD5: true}, some, nil, ""},
		"no batches":     {s3fake.Options{NoBatchDelete: true}, some, nil, "NotImplemented"},
		"no object":      {s3fake.Options{}, "<Delete></Delete>", []string{"Content-Md5", md5Of("<Delete></Delete>")}, "MalformedXML"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tt.opt)
			for _, key := range []string{"a", "b", "c"} {
				s.Put("bucket", key, nil)
			}
			_, code, _ := s.send(t, "POST", "/bucket?delete", tt.body, tt.header...)
			assert.Equal(t, tt.code, code)
			if code == "" {
				assert.Equal(t, []string{"c"}, s.Keys("bucket"))
			} else {
				assert.Len(t, s.Keys("bucket"), 3)
			}
		})
	}
}

func TestFailDeletes(t *testing.T) {
	s := serve(t, s3fake.Options{RefuseDeleteMD5: true})
	s.Put(name, "a", nil)
	s.Put(name, "b", nil)
	s.FailDeletes(func(key string) string { return map[string]string{"a": "AccessDenied"}[key] })
	_, code, _ := s.send(t, "DELETE", "/bucket/a", "")
	assert.Equal(t, "AccessDenied", code)
	status, _, _ := s.send(t, "POST", "/bucket?delete", "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, []string{"a"}, s.Keys(name))
}
