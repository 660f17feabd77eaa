package oss

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
)

const testSecret = "c2VjcmV0LW9mLXRoZS10ZXN0"

// bench returns a client of a server under faults.
func bench(t *testing.T) (*ReplicaClient, *httpfault.Layer) {
	t.Helper()
	faults := httpfault.New(ossfake.New(ossfake.Options{ID: "id", Secret: testSecret, Region: "cn-test"}, "bucket"))
	faults.Name(ossfake.Operation)
	server := httptest.NewServer(faults)
	t.Cleanup(server.Close)
	return NewReplicaClient(Config{Bucket: "bucket", Path: "db", Region: "cn-test", Endpoint: server.URL, AccessKeyID: "id", SecretAccessKey: testSecret,
		Transfer: object.Options{PartSize: testPart}, Logger: slog.New(slog.DiscardHandler), Retry: ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond}}), faults
}

// Half of the credentials is none, from the environment too.
func TestHalfOfTheCredentials(t *testing.T) {
	for _, name := range []string{"OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"} {
		_, err := Config{Bucket: "bucket"}.load(func(asked string) string {
			if asked == name {
				return testSecret
			}
			return ""
		})
		require.ErrorIs(t, err, fs.ErrInvalid, name)
		assert.ErrorContains(t, err, "OSS_ACCESS_KEY_SECRET")
	}
}

// What is sent for each operation: no request more than there must be.
func TestRequests(t *testing.T) {
	c, faults := bench(t)
	for size, want := range map[int]map[string]int{
		testPart:     {"PutObject": 1},
		testPart + 1: {"InitiateMultipartUpload": 1, "UploadPart": 2, "CompleteMultipartUpload": 1},
	} {
		faults.Reset()
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewBuffer(bytes.Repeat([]byte("x"), size)))
		require.NoError(t, err)
		assert.Equal(t, want, faults.Counts())
	}
}

// A body that the service has otherwise than it was sent is an error.
func TestChecksum(t *testing.T) {
	c, faults := bench(t)
	faults.Add(&httpfault.Rule{Do: httpfault.Status(200, http.Header{"X-Oss-Request-Id": {"1"}, "Etag": {`"E"`}, "X-Oss-Hash-Crc64ecma": {"1"}}, "")})
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)
}

// A body in chunks has no size in its header: the object is not an empty one.
func TestChunkedAnswer(t *testing.T) {
	c, faults := bench(t)
	body := bytes.Repeat([]byte("0123456789"), 100)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body))
	require.NoError(t, err)
	faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "GetObject"}, Do: httpfault.Chunked(), Times: -1})
	for _, part := range [][2]int64{{0, 0}, {0, 10}, {990, 20}, {10, 0}} {
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, part[0], part[1])
		require.NoError(t, err, part)
		got, err := io.ReadAll(r)
		require.NoError(t, errors.Join(err, r.Close()), part)
		end := int64(len(body))
		if part[1] > 0 {
			end = min(end, part[0]+part[1])
		}
		assert.Equal(t, string(body[part[0]:end]), string(got), part)
	}
}

// A listing that does not say whether it goes on is no end.
func TestListingWithoutItsEnd(t *testing.T) {
	for end, whole := range map[string]bool{
		"<IsTruncated>false</IsTruncated>":                                                    true,
		"<IsTruncated>true</IsTruncated>":                                                     false,
		"<NextContinuationToken>more</NextContinuationToken>":                                 false,
		"<IsTruncated>false</IsTruncated><NextContinuationToken>more</NextContinuationToken>": false,
	} {
		c, faults := bench(t)
		faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "ListObjectsV2"}, Times: -1, Do: httpfault.Status(200, http.Header{"X-Oss-Request-Id": {"1"}},
			"<ListBucketResult><Name>bucket</Name><Prefix>db/ltx/0000/</Prefix>"+end+"</ListBucketResult>")})
		it, err := c.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		assert.False(t, it.Next())
		if err := it.Close(); whole {
			assert.NoError(t, err, end)
		} else {
			assert.ErrorIs(t, err, ltxstore.ErrUnavailable, end)
		}
	}
}

// A listing that does not tell a file's size does not hide the file.
func TestListingWithoutASize(t *testing.T) {
	c, faults := bench(t)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
	require.NoError(t, err)
	for _, size := range []string{"", "<Size></Size>", "<Size>4</Size>"} {
		faults.Reset()
		faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "ListObjectsV2"}, Do: httpfault.Status(200, http.Header{"X-Oss-Request-Id": {"1"}},
			"<ListBucketResult><Name>bucket</Name><Prefix>db/ltx/0000/</Prefix><IsTruncated>false</IsTruncated><Contents><Key>db/ltx/0000/0000000000000001-0000000000000001.ltx</Key>"+
				"<LastModified>2026-01-01T00:00:00.000Z</LastModified>"+size+"</Contents></ListBucketResult>")})
		it, err := c.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		files, err := ltx.SliceFileIterator(it)
		require.NoError(t, err)
		require.Len(t, files, 1, size)
		assert.EqualValues(t, 4, files[0].Size, size)
	}
}

// The error table. An answer without the service's headers is a proxy's.
func TestKinds(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		want   error
	}{
		{404, "NoSuchKey", fs.ErrNotExist},
		{404, "NoSuchBucket", ltxstore.ErrStoreNotFound},
		{403, "AccessDenied", fs.ErrPermission},
		{403, "SignatureDoesNotMatch", fs.ErrPermission},
		{403, "InvalidAccessKeyId", fs.ErrPermission},
		{403, "InvalidObjectState", errors.ErrUnsupported},
		{400, "InvalidDigest", ltxstore.ErrChecksum},
		{503, "QpsLimitExceeded", ltxstore.ErrThrottled},
		{500, "InternalError", ltxstore.ErrUnavailable},
		{400, "RequestTimeout", ltxstore.ErrUnavailable},
		{429, "", ltxstore.ErrThrottled},
		{404, "", ltxstore.ErrUnavailable},
		{502, "", ltxstore.ErrUnavailable},
		{401, "", fs.ErrPermission},
		{200, "", ltxstore.ErrUnavailable},
	} {
		c, faults := bench(t)
		header, body := http.Header{}, "<html>a page</html>"
		if test.code != "" {
			header = http.Header{"X-Oss-Request-Id": {"1"}, "Content-Type": {"application/xml"}}
			body = fmt.Sprintf("<Error><Code>%s</Code><Message>you sent %s</Message></Error>", test.code, testSecret)
		}
		faults.Add(&httpfault.Rule{Do: httpfault.Status(test.status, header, body), Times: -1})
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		assert.ErrorIs(t, err, test.want, "%d %q", test.status, test.code)
		assert.ErrorContains(t, err, `(bucket "bucket" at http://`)
		assert.NotContains(t, err.Error(), testSecret)
		assert.NotContains(t, err.Error(), "\n")
	}
}

// What cannot be right is refused at Init, by the field's name.
func TestRefusals(t *testing.T) {
	for _, name := range []string{"OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	for field, changes := range map[string][]func(*Config){
		"Bucket":             {func(c *Config) { c.Bucket = "" }, func(c *Config) { c.Bucket = "a/b" }, func(c *Config) { c.Bucket = "Upper" }, func(c *Config) { c.Bucket = "-a-" }},
		"Path":               {func(c *Config) { c.Path = "../x" }},
		"Region":             {func(c *Config) { c.Region = "a.b" }},
		"Endpoint":           {func(c *Config) { c.Endpoint = "h" }, func(c *Config) { c.Endpoint = "https://h?" + testSecret }},
		"AccessKeyID":        {func(c *Config) { c.AccessKeyID, c.SecretAccessKey = "", "" }, func(c *Config) { c.AccessKeyID = "" }, func(c *Config) { c.SecretAccessKey = "" }},
		"SecurityToken":      {func(c *Config) { c.AccessKeyID, c.SecretAccessKey, c.SecurityToken = "", "", testSecret }},
		"Credentials":        {func(c *Config) { c.Credentials = credentials.NewAnonymousCredentialsProvider() }},
		"CABundle":           {func(c *Config) { c.HTTP.CABundle = "/nowhere" }, func(c *Config) { c.HTTP.CABundle, c.HTTP.RoundTripper = "x", http.DefaultTransport }},
		"InsecureSkipVerify": {func(c *Config) { c.HTTP.CABundle, c.HTTP.InsecureSkipVerify = "x", true }},
		"PartSize":           {func(c *Config) { c.Transfer.PartSize = 1 << 10 }},
		"PageSize":           {func(c *Config) { c.Transfer.PageSize = 1001 }},
		"StorageClass":       {func(c *Config) { c.StorageClass = "Archive" }},
		"SSE":                {func(c *Config) { c.SSE = "x" }},
		"KMSKeyID":           {func(c *Config) { c.KMSKeyID = "x" }},
	} {
		for i, change := range changes {
			cfg := Config{Bucket: "bucket", AccessKeyID: "id", SecretAccessKey: testSecret}
			change(&cfg)
			err := NewReplicaClient(cfg).Init(t.Context())
			require.ErrorIs(t, err, fs.ErrInvalid, "%s %d", field, i)
			assert.ErrorContains(t, err, field, i)
			assert.NotContains(t, err.Error(), testSecret, "%s %d", field, i)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %d", cfg, cfg, cfg, cfg), testSecret)
		}
	}
}

// A region may have the prefix that it has in the names of endpoints.
func TestRegion(t *testing.T) {
	for region, want := range map[string]string{"": "cn-hangzhou", "cn-beijing": "cn-beijing", "oss-cn-beijing": "cn-beijing"} {
		cfg, err := Config{Bucket: "bucket", Region: region, AccessKeyID: "id", SecretAccessKey: testSecret}.load(func(string) string { return "" })
		require.NoError(t, err)
		assert.Equal(t, []string{want, "https://oss-" + want + ".aliyuncs.com"}, []string{cfg.Region, cfg.Endpoint})
	}
}

// Where the place comes from.
func TestURL(t *testing.T) {
	t.Setenv("OSS_ACCESS_KEY_ID", "id")
	t.Setenv("OSS_ACCESS_KEY_SECRET", testSecret)
	for url, want := range map[string]string{
		"oss://buck/a/b": `Bucket:"buck" Path:"a/b" Layout:default`,
		"oss://buck.oss-cn-beijing.aliyuncs.com/p":              `Bucket:"buck" Path:"p" Layout:default Region:"cn-beijing"`,
		"oss://buck.oss-cn-beijing-internal.aliyuncs.com/p":     `Bucket:"buck" Path:"p" Layout:default Region:"cn-beijing" Endpoint:"https://oss-cn-beijing-internal.aliyuncs.com"`,
		"oss://buck?region=cn-x&endpoint=oss.example&path=/a/b": `Bucket:"buck" Path:"/a/b" Layout:default Region:"cn-x" Endpoint:"https://oss.example"`,
	} {
		c, err := ltxstore.Open(t.Context(), url)
		if assert.NoError(t, err, url) {
			assert.Contains(t, fmt.Sprint(c), want)
			assert.NoError(t, ltxstore.Init(t.Context(), c))
		}
	}
	for url, want := range map[string]string{"oss://a:b@c/d": "access-key-id", "oss:///p": "the URL has no bucket", "oss://bucket/p?oops=1": "oops"} {
		_, err := ltxstore.Open(t.Context(), url)
		assert.ErrorContains(t, err, want, url)
	}
}
