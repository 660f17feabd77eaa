package s3fake_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

var signed = s3fake.Options{AccessKeyID: "id", SecretAccessKey: "secret", CheckRegion: true}

func TestSignature(t *testing.T) {
	who := func(id, secret, token string) func(*s3.Options) {
		return func(o *s3.Options) { o.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token) }
	}
	for name, tt := range map[string]struct {
		change func(*s3.Options)
		code   string
	}{
		"right":         {func(*s3.Options) {}, ""},
		"secret":        {who("id", "another", ""), "SignatureDoesNotMatch"},
		"id":            {who("another", "secret", ""), "InvalidAccessKeyId"},
		"session token": {who("id", "secret", "token"), "InvalidToken"},
		"nobody":        {func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} }, "AccessDenied"},
		"region":        {func(o *s3.Options) { o.Region = "eu-west-1" }, "PermanentRedirect"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, signed, tt.change)
			_, err := s.client.PutObject(t.Context(), put("a b/ü", "body"))
			if tt.code == "" {
				require.NoError(t, err)
				s.holds(t, "a b/ü", "body")
				return
			}
			requireCode(t, err, tt.code)
			assert.Empty(t, s.Keys("bucket"))
		})
	}
}

func TestMalformedSignature(t *testing.T) {
	s := serve(t, signed)
	for header, want := range map[string]string{
		"Basic abc": "AuthorizationHeaderMalformed",
		"AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0":      "AuthorizationHeaderMalformed",
		"AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-none, Signature=": "SignatureDoesNotMatch",
		"AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=range, Signature=":       "SignatureDoesNotMatch",
	} {
		_, code, _ := s.send(t, "GET", "/bucket/key", "", "Authorization", header, "Range", "bytes=0-1")
		assert.Equal(t, want, code, header)
	}
	_, code, _ := s.send(t, "GET", "/bucket/key", "", "X-Amz-Date", "20260101T000000Z",
		"Authorization", "AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	assert.Equal(t, "AccessDenied", code, "a header that counts is not signed")
}

// tamper changes a request after it was signed.
type tamper struct {
	next http.RoundTripper
	with func(*http.Request, []byte) []byte
}

func (x tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	body = x.with(r, body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return x.next.RoundTrip(r)
}

func tampering(with func(*http.Request, []byte) []byte) func(*s3.Options) {
	return func(o *s3.Options) {
		transport := o.HTTPClient.(*http.Client).Transport
		o.HTTPClient = &http.Client{Transport: tamper{transport, with}}
	}
}

func replace(old, with string) func(*http.Request, []byte) []byte {
	return func(_ *http.Request, body []byte) []byte { return bytes.Replace(body, []byte(old), []byte(with), 1) }
}

// anotherTrailer changes the checksum behind the body.
func anotherTrailer(_ *http.Request, body []byte) []byte {
	body = bytes.Clone(body)
	body[bytes.LastIndexByte(body, ':')+1] ^= 1
	return body
}

// Whatever protects a body on its way refuses another body.
func TestTamperedBody(t *testing.T) {
	crc := func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32 }
	sum := func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String(md5Of("the body")) }
	nothing := func(*s3.PutObjectInput) {}
	unsigned := func(r *http.Request, body []byte) []byte {
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		return replace("body", "bodi")(r, body)
	}
	set := func(name, value string) func(*http.Request, []byte) []byte {
		return func(r *http.Request, body []byte) []byte {
			r.Header.Set(name, value)
			return body
		}
	}
	for name, tt := range map[string]struct {
		tls     bool
		opt     s3fake.Options
		in      func(*s3.PutObjectInput)
		tamper  func(*http.Request, []byte) []byte
		code    string
		streams bool
	}{
		"SHA-256":            {tls: false, opt: signed, in: nothing, tamper: replace("body", "bodi"), code: "XAmzContentSHA256Mismatch"},
		"CRC-32 header":      {tls: false, opt: s3fake.Options{}, in: crc, tamper: unsigned, code: "BadDigest"},
		"Content-MD5":        {tls: false, opt: s3fake.Options{}, in: sum, tamper: unsigned, code: "BadDigest"},
		"Content-MD5 is odd": {tls: false, opt: s3fake.Options{}, in: sum, tamper: set("Content-Md5", "abc"), code: "InvalidDigest"},
		"trailer":            {tls: true, opt: signed, in: crc, tamper: replace("the body", "the bodi"), code: "BadDigest", streams: true},
		"trailer is another": {tls: true, opt: signed, in: crc, tamper: anotherTrailer, code: "BadDigest", streams: true},
		"no trailer":         {tls: true, opt: signed, in: crc, tamper: replace("x-amz-checksum-crc32", "x-amz-checksum-crc99"), code: "MalformedTrailerError", streams: true},
		"chunk too long":     {tls: true, opt: signed, in: crc, tamper: replace("8\r\n", "f\r\n"), code: "IncompleteBody", streams: true},
		"chunk too short":    {tls: true, opt: signed, in: crc, tamper: replace("8\r\n", "7\r\n"), code: "IncompleteBody", streams: true},
		"chunk of no size":   {tls: true, opt: signed, in: crc, tamper: replace("8\r\n", "x\r\n"), code: "IncompleteBody", streams: true},
		"decoded length":     {tls: true, opt: s3fake.Options{}, in: crc, tamper: set("X-Amz-Decoded-Content-Length", "9"), code: "IncompleteBody", streams: true},
		"header is tampered": {tls: false, opt: signed, in: nothing, tamper: set("X-Amz-Content-Sha256", strings.Repeat("0", 64)), code: "SignatureDoesNotMatch"},
		"no checksum at all": {tls: false, opt: s3fake.Options{}, in: nothing, tamper: set("X-Amz-Sdk-Checksum-Algorithm", "CRC32"), code: "InvalidRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			start := serve
			if tt.tls {
				start = serveTLS
			}
			s := start(t, tt.opt)
			_, err := s.client.PutObject(t.Context(), put("key", "the body", tt.in))
			require.NoError(t, err, "as it is")
			s.holds(t, "key", "the body")

			streamed := false
			watch := func(r *http.Request, body []byte) []byte {
				streamed = strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-")
				return tt.tamper(r, body)
			}
			_, err = s.dial(tampering(watch)).PutObject(t.Context(), put("other", "the body", tt.in))
			requireCode(t, err, tt.code)
			assert.Equal(t, tt.streams, streamed, "how the body was sent")
			assert.Equal(t, []string{"key"}, s.Keys("bucket"))
		})
	}
}

// A body of unknown or broken length stores nothing.
func TestIncompleteBody(t *testing.T) {
	s := serve(t, s3fake.Options{})
	req, err := http.NewRequestWithContext(t.Context(), "PUT", s.url+"/bucket/key", io.MultiReader(strings.NewReader("body")))
	require.NoError(t, err)
	resp, err := s.http.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusLengthRequired, resp.StatusCode)

	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, "PUT /bucket/key HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nbody")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "IncompleteBody")
	require.NoError(t, conn.Close())
	assert.Empty(t, s.Keys("bucket"))
}

// Services that know no checksums refuse them wherever they are.
func TestRefuseChecksums(t *testing.T) {
	s := serve(t, s3fake.Options{RefuseChecksums: true})
	_, err := s.client.PutObject(t.Context(), put("plain", "body"))
	require.NoError(t, err)
	_, err = s.client.PutObject(t.Context(), put("key", "body", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 }))
	requireCode(t, err, "InvalidArgument")
	_, code, _ := s.send(t, "PUT", "/bucket/key", "0\r\n\r\n", "X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD")
	assert.Equal(t, "NotImplemented", code)
	assert.Equal(t, []string{"plain"}, s.Keys("bucket"))
}
