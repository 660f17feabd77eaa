package s3fake_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

func TestOperation(t *testing.T) {
	for _, tt := range []struct{ method, target, want string }{
		{"GET", "/bucket?list-type=2&prefix=a", "ListObjectsV2"},
		{"GET", "/bucket/?uploads", "ListMultipartUploads"},
		{"GET", "/bucket?location", "GetBucketLocation"},
		{"GET", "/bucket", "Unknown"},
		{"POST", "/bucket?delete", "DeleteObjects"},
		{"POST", "/bucket", "Unknown"},
		{"HEAD", "/bucket", "HeadBucket"},
		{"PUT", "/bucket", "CreateBucket"},
		{"PUT", "/bucket?acl", "Unknown"},
		{"GET", "/bucket/a/b", "GetObject"},
		{"HEAD", "/bucket/a/b", "HeadObject"},
		{"PUT", "/bucket/a/b", "PutObject"},
		{"DELETE", "/bucket/a/b", "DeleteObject"},
		{"POST", "/bucket/a/b?uploads", "CreateMultipartUpload"},
		{"PUT", "/bucket/a/b?partNumber=1&uploadId=x", "UploadPart"},
		{"POST", "/bucket/a/b?uploadId=x", "CompleteMultipartUpload"},
		{"GET", "/bucket/a/b?uploadId=x", "ListParts"},
		{"DELETE", "/bucket/a/b?uploadId=x", "AbortMultipartUpload"},
		{"PATCH", "/bucket/a/b", "Unknown"},
		{"GET", "/", "GET"},
	} {
		assert.Equal(t, tt.want, s3fake.Operation(httptest.NewRequestWithContext(t.Context(), tt.method, tt.target, nil)), "%s %s", tt.method, tt.target)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/bucket/key", nil)
	r.Header.Set("X-Amz-Copy-Source", "/bucket/other")
	assert.Equal(t, "Unknown", s3fake.Operation(r), "a copy is no PutObject")
}

// What nobody here asks for is refused, not taken for something else.
func TestNotImplemented(t *testing.T) {
	s := serve(t, s3fake.Options{})
	for _, tt := range [][2]string{{"GET", "/bucket?location"}, {"PATCH", "/bucket/key"}, {"GET", "/"}, {"POST", "/bucket/key"}} {
		status, code, _ := s.send(t, tt[0], tt[1], "")
		assert.Equal(t, http.StatusNotImplemented, status, tt)
		assert.Equal(t, "NotImplemented", code, tt)
	}
}

func TestBuckets(t *testing.T) {
	s := serve(t, s3fake.Options{Region: "eu-west-3"})
	_, code, _ := s.send(t, "PUT", "/other/key", "body")
	assert.Equal(t, "NoSuchBucket", code)
	status, code, header := s.send(t, "HEAD", "/other", "")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Empty(t, code, "S3 says nothing more to a HEAD")
	assert.Empty(t, header.Get("X-Amz-Bucket-Region"))
	_, code, _ = s.send(t, "PUT", "/other", "", "X-Amz-Checksum-Crc32", "x")
	assert.Equal(t, "BadDigest", code)
	status, _, _ = s.send(t, "PUT", "/other", "")
	assert.Equal(t, http.StatusOK, status)
	_, code, _ = s.send(t, "PUT", "/other", "")
	assert.Equal(t, "BucketAlreadyOwnedByYou", code)
	_, _, header = s.send(t, "HEAD", "/other", "")
	assert.Equal(t, "eu-west-3", header.Get("X-Amz-Bucket-Region"))

	status, _, _ = s.send(t, "PUT", "/other/key", "body")
	assert.Equal(t, http.StatusOK, status)
	o, ok := s.Get("other", "key")
	require.True(t, ok)
	assert.Equal(t, "body", string(o.Body))
	assert.Empty(t, s.Keys(name))
}

// A bucket may be in the host's name.
func TestVirtualHost(t *testing.T) {
	const domain = "s3.example.com"
	s := s3fake.New(s3fake.Options{Domain: domain}, name)
	put := func(host, target string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, target, nil)
		r.Host = host
		recorder := httptest.NewRecorder()
		s.ServeHTTP(recorder, r)
		return recorder.Code
	}
	assert.Equal(t, http.StatusOK, put("bucket."+domain, "/one"))
	assert.Equal(t, http.StatusOK, put("bucket."+domain+":9000", "/a/two"))
	assert.Equal(t, http.StatusOK, put(domain, "/bucket/three"))
	assert.Equal(t, http.StatusNotFound, put("other."+domain, "/four"))
	assert.Equal(t, []string{"a/two", "one", "three"}, s.Keys(name))
}
