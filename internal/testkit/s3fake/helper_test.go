package s3fake_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

const name = "bucket"

// service is a server and the SDK's client of it, which sends nothing twice.
type service struct {
	*s3fake.Server
	url    string
	client *s3.Client
	http   *http.Client
}

func serve(t *testing.T, opt s3fake.Options, change ...func(*s3.Options)) *service {
	t.Helper()
	return serveOn(t, opt, (*httptest.Server).Start, change...)
}

// serveTLS serves over TLS, where bodies have trailers.
func serveTLS(t *testing.T, opt s3fake.Options, change ...func(*s3.Options)) *service {
	t.Helper()
	return serveOn(t, opt, (*httptest.Server).StartTLS, change...)
}

func serveOn(t *testing.T, opt s3fake.Options, start func(*httptest.Server), change ...func(*s3.Options)) *service {
	t.Helper()
	s := &service{Server: s3fake.New(opt, name)}
	server := httptest.NewUnstartedServer(s.Server)
	start(server)
	t.Cleanup(server.Close)
	s.url, s.http = server.URL, server.Client()
	s.client = s.dial(change...)
	return s
}

func (s *service) dial(change ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.url), UsePathStyle: true, HTTPClient: s.http, Retryer: aws.NopRetryer{},
		Credentials:                credentials.NewStaticCredentialsProvider("id", "secret", ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}, change...)
}

// requireCode requires the service's error of that code.
func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode(), "%v", err)
}

// send sends a request as no SDK would. Headers are names and values in turn.
// The result is the status, and of an error its code.
func (s *service) send(t *testing.T, method, path, body string, header ...string) (status int, code string, answer http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.http.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	document, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var failed struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	if resp.StatusCode >= 300 && len(document) > 0 {
		require.NoError(t, xml.Unmarshal(document, &failed), "%s", document)
	}
	return resp.StatusCode, failed.Code, resp.Header
}

func (s *service) holds(t *testing.T, key, body string) {
	t.Helper()
	o, ok := s.Get(name, key)
	require.True(t, ok, "%s is stored", key)
	assert.True(t, bytes.Equal([]byte(body), o.Body), "%d bytes stored, want %d", len(o.Body), len(body))
}

func put(key, body string, set ...func(*s3.PutObjectInput)) *s3.PutObjectInput {
	in := &s3.PutObjectInput{Bucket: aws.String(name), Key: aws.String(key), Body: strings.NewReader(body)}
	for _, f := range set {
		f(in)
	}
	return in
}

func md5Of(body string) string {
	sum := md5.Sum([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
