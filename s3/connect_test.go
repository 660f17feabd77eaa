package s3

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// recorded returns the last request of an operation of a replica whose
// requests go nowhere.
func recorded(t *testing.T, operation string, set func(*Config)) *http.Request {
	t.Helper()
	var last *http.Request
	cfg := valid()
	cfg.HTTP.RoundTripper = answers(func(w http.ResponseWriter, req *http.Request) {
		last = req.Clone(req.Context())
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		if operation == "list" {
			_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
		}
	})
	set(&cfg)
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	require.NoError(t, operations(r)[operation](t.Context()))
	require.NotNil(t, last)
	return last
}

func TestAddressing(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		want string
		set  func(*Config)
	}{
		{"https://bucket.s3.us-east-1.amazonaws.com/key", func(*Config) {}},
		{"https://s3.us-east-1.amazonaws.com/bucket/key", func(c *Config) { c.PathStyle = &yes }},
		{"https://s3.us-east-1.amazonaws.com/dotted.bucket/key", func(c *Config) { c.Bucket = "dotted.bucket" }},
		{"https://bucket.s3.dualstack.us-east-1.amazonaws.com/key", func(c *Config) { c.DualStack = true }},
		{"https://bucket.s3-fips.us-east-1.amazonaws.com/key", func(c *Config) { c.FIPS = true }},
		{"https://bucket.s3-fips.dualstack.us-east-1.amazonaws.com/key", func(c *Config) { c.FIPS, c.DualStack = true, true }},
		{"https://bucket.s3.cn-north-1.amazonaws.com.cn/key", func(c *Config) { c.Region = "cn-north-1" }},
		{"https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/key", func(c *Config) {
			c.Bucket = "arn:aws:s3:us-west-2:123456789012:accesspoint/ap" // in another region than Config's
		}},
		{"http://minio.example.com:9000/bucket/key", func(c *Config) { c.Endpoint = "http://minio.example.com:9000" }},
		{"http://bucket.minio.example.com:9000/key", func(c *Config) { c.Endpoint, c.PathStyle = "http://minio.example.com:9000", &no }},
		{"https://bucket.nyc3.digitaloceanspaces.com/key", func(c *Config) { c.Endpoint = "https://nyc3.digitaloceanspaces.com" }},
		{"https://bucket.oss-cn-hangzhou.aliyuncs.com/key", func(c *Config) { c.Endpoint = "https://oss-cn-hangzhou.aliyuncs.com" }},
		{"https://p.supabase.co/storage/v1/s3/bucket/key", func(c *Config) { c.Endpoint = "https://p.supabase.co/storage/v1/s3/" }},
		{"http://env.example.com/bucket/key", func(*Config) { t.Setenv("AWS_ENDPOINT_URL_S3", "http://env.example.com") }},
		{"http://given.example.com/bucket/key", func(c *Config) {
			t.Setenv("AWS_ENDPOINT_URL_S3", "http://env.example.com")
			c.Endpoint = "http://given.example.com"
		}},
	} {
		url := *recorded(t, "put", tt.set).URL
		url.RawQuery = ""
		assert.Equal(t, tt.want, url.String())
	}
}

// The provider of an endpoint that the environment names is known too.
func TestEndpointOfEnvironmentHasItsProvider(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "https://a.r2.cloudflarestorage.com")
	cfg := valid()
	cfg.Region = "auto"
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	assert.Equal(t, "cloudflare-r2", r.provider.name)
	assert.Equal(t, "https://a.r2.cloudflarestorage.com", r.cfg.Endpoint)

	t.Setenv("AWS_ENDPOINT_URL", "a.example.com")
	_, err = connectTo(t, cfg)
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "AWS_ENDPOINT_URL")
}

func TestSigning(t *testing.T) {
	req := recorded(t, "put", func(*Config) {})
	assert.Contains(t, scopeOf(req), "AKIDEXAMPLE/")
	assert.Contains(t, scopeOf(req), "/us-east-1/s3/")
	assert.Equal(t, testToken, req.Header.Get("X-Amz-Security-Token"))

	// For services other than AWS a body is hashed into the signature, over
	// TLS too, and nothing optional goes along.
	req = recorded(t, "put", func(c *Config) { c.Endpoint = "https://minio.example.com" })
	assert.Equal(t, "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5", req.Header.Get("X-Amz-Content-Sha256"), "of body")
	assert.EqualValues(t, 4, req.ContentLength)
	for name := range req.Header {
		assert.NotContains(t, strings.ToLower(name), "checksum")
		assert.NotContains(t, strings.ToLower(name), "trailer")
	}
	assert.Empty(t, req.Header.Get("Content-Encoding"))

	req = recorded(t, "put", func(c *Config) {
		c.SignPayload, c.Endpoint, c.ContentMD5 = new(bool), "https://minio.example.com", MD5Always
	})
	assert.Equal(t, "UNSIGNED-PAYLOAD", req.Header.Get("X-Amz-Content-Sha256"))
	req = recorded(t, "list", func(c *Config) {
		c.SignPayload, c.Endpoint, c.ContentMD5 = new(bool), "https://minio.example.com", MD5Always
	})
	assert.NotEqual(t, "UNSIGNED-PAYLOAD", req.Header.Get("X-Amz-Content-Sha256"))

	// On AWS the SDK adds a checksum.
	req = recorded(t, "put", func(*Config) {})
	assert.Equal(t, "x-amz-checksum-crc32", req.Header.Get("X-Amz-Trailer"))
}

func TestChecksumSettings(t *testing.T) {
	// Not the environment's.
	t.Setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
	t.Setenv("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_supported")
	for _, tt := range []struct {
		set            func(*Config)
		calculate      aws.RequestChecksumCalculation
		checkResponses aws.ResponseChecksumValidation
	}{
		{func(*Config) {}, aws.RequestChecksumCalculationWhenSupported, aws.ResponseChecksumValidationWhenSupported},
		{func(c *Config) { c.ChecksumAlgorithm = "none" }, aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired},
		{func(c *Config) { c.Endpoint = unreachable }, aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired},
		{func(c *Config) { c.Endpoint, c.ChecksumAlgorithm = unreachable, "sha256" }, aws.RequestChecksumCalculationWhenSupported, aws.ResponseChecksumValidationWhenSupported},
	} {
		cfg := valid()
		tt.set(&cfg)
		r, err := connectTo(t, cfg)
		require.NoError(t, err)
		assert.Equal(t, tt.calculate, r.api.Options().RequestChecksumCalculation)
		assert.Equal(t, tt.checkResponses, r.api.Options().ResponseChecksumValidation)
	}
}

func signedHeaders(req *http.Request) []string {
	_, rest, _ := strings.Cut(req.Header.Get("Authorization"), "SignedHeaders=")
	rest, _, _ = strings.Cut(rest, ",")
	return strings.Split(rest, ";")
}

func TestProviderHeaders(t *testing.T) {
	req := recorded(t, "list", func(c *Config) { c.Endpoint = "https://t3.storage.dev" })
	assert.Equal(t, "true", req.Header.Get("X-Tigris-Consistent"))
	assert.Contains(t, signedHeaders(req), "x-tigris-consistent")
	assert.Contains(t, signedHeaders(req), "accept-encoding", "what the next case takes away")

	req = recorded(t, "list", func(c *Config) { c.Endpoint = "https://storage.googleapis.com" })
	assert.NotContains(t, signedHeaders(req), "accept-encoding")
	assert.Equal(t, "identity", req.Header.Get("Accept-Encoding"), "but it is sent")

	req = recorded(t, "list", func(c *Config) { c.Endpoint, c.hideAcceptEncoding = "https://t3.storage.dev", true })
	assert.NotContains(t, signedHeaders(req), "accept-encoding")
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials")
	require.NoError(t, os.WriteFile(file, []byte("[p]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = "+testSecret+"\n"), 0o600))
	req := recorded(t, "list", func(c *Config) {
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Profile = "", "", "", "p"
	})
	assert.Contains(t, scopeOf(req), "AKIDPROFILE/")

	req = recorded(t, "list", func(c *Config) {
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
		t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken = "", "", ""
	})
	assert.Contains(t, scopeOf(req), "AKIDENV/")
	assert.Empty(t, req.Header.Get("X-Amz-Security-Token"))
}

func TestAssumedRole(t *testing.T) {
	var roles atomic.Int64
	var scope, token string
	cfg := valid()
	cfg.RoleARN, cfg.ExternalID = "arn:aws:iam::123456789012:role/backup", "external"
	cfg.HTTP.RoundTripper = answers(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasPrefix(req.URL.Host, "sts.") {
			scope, token = scopeOf(req), req.Header.Get("X-Amz-Security-Token")
			_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
			return
		}
		roles.Add(1)
		form, err := io.ReadAll(req.Body)
		assert.NoError(t, err)
		assert.Contains(t, string(form), "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fbackup")
		assert.Contains(t, string(form), "ExternalId=external")
		assert.Contains(t, scopeOf(req), "AKIDEXAMPLE/")
		_, _ = io.WriteString(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
			<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>rolesecret</SecretAccessKey><SessionToken>roletoken</SessionToken>
			<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	})
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, operations(r)["list"](t.Context()))
	}
	assert.EqualValues(t, 1, roles.Load())
	assert.Contains(t, scope, "ASIAROLE/")
	assert.Equal(t, "roletoken", token)
}

// A directory bucket has hosts and credentials of its own, which the SDK
// fetches through the same client.
func TestDirectoryBucketSession(t *testing.T) {
	for endpoint, host := range map[string]string{
		"":                       "b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com",
		"http://127.0.0.1:9000/": "127.0.0.1:9000",
	} {
		var sessions atomic.Int64
		cfg := valid()
		cfg.Bucket, cfg.Region, cfg.Endpoint = "b--usw2-az1--x-s3", "us-west-2", endpoint
		cfg.HTTP.RoundTripper = answers(func(w http.ResponseWriter, req *http.Request) {
			assert.Equal(t, host, req.URL.Host)
			if req.URL.Query().Has("session") {
				sessions.Add(1)
				_, _ = io.WriteString(w, `<CreateSessionResult><Credentials><SessionToken>st</SessionToken><SecretAccessKey>ss</SecretAccessKey>
					<AccessKeyId>ASIASESSION</AccessKeyId><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>`)
				return
			}
			assert.Contains(t, scopeOf(req), "ASIASESSION/")
			assert.Equal(t, "st", req.Header.Get("X-Amz-S3session-Token"))
			_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
		})
		r, err := connectTo(t, cfg)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, operations(r)["list"](t.Context()))
		}
		assert.EqualValues(t, 1, sessions.Load())
	}
}

func TestNoCredentials(t *testing.T) {
	var requests atomic.Int64
	cfg := Config{Bucket: "bucket", Region: "us-east-1", HTTP: transport.Options{RoundTripper: answers(func(http.ResponseWriter, *http.Request) { requests.Add(1) })}}
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	err = wrap(operations(r)["list"](t.Context()))
	require.Error(t, err)
	assert.Zero(t, requests.Load())
	assert.NotErrorIs(t, err, fs.ErrNotExist)
}

// AWS_CA_BUNDLE makes the SDK refuse any client but its own.
func TestCABundle(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
	}))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(bundle, block, 0o600))
	other := filepath.Join(t.TempDir(), "other.pem")
	require.NoError(t, os.WriteFile(other, []byte("no certificate"), 0o600))

	for name, set := range map[string]func(*Config){
		"environment":           func(*Config) { t.Setenv("AWS_CA_BUNDLE", bundle) },
		"field":                 func(c *Config) { c.HTTP.CABundle = bundle },
		"field and environment": func(c *Config) { t.Setenv("AWS_CA_BUNDLE", other); c.HTTP.CABundle = bundle },
		"round tripper": func(c *Config) {
			t.Setenv("AWS_CA_BUNDLE", bundle)
			c.HTTP.RoundTripper = server.Client().Transport
		},
		"skip verify": func(c *Config) { c.HTTP.InsecureSkipVerify = true },
		"skip verify and environment": func(c *Config) {
			t.Setenv("AWS_CA_BUNDLE", bundle)
			c.HTTP.InsecureSkipVerify = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid()
			cfg.Endpoint = server.URL
			set(&cfg)
			r, err := connectTo(t, cfg)
			require.NoError(t, err)
			require.NoError(t, operations(r)["list"](t.Context()))
		})
	}

	t.Setenv("AWS_CA_BUNDLE", other)
	_, err := connectTo(t, valid())
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, other)
}

func TestTransportSettings(t *testing.T) {
	cfg := valid()
	cfg.HTTP.Dial = new(net.Dialer).DialContext // what is shared is no http.Transport
	cfg.HTTP.MaxConns, cfg.HTTP.MaxIdleConns, cfg.HTTP.IdleConnTimeout, cfg.HTTP.ResponseTimeout = 9, 7, 11, 13
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	sent, ok := r.api.Options().HTTPClient.(roundTripper).RoundTripper.(*http.Transport)
	require.True(t, ok)
	assert.Equal(t, 9, sent.MaxConnsPerHost)
	assert.Equal(t, 7, sent.MaxIdleConnsPerHost)
	assert.EqualValues(t, 11, sent.IdleConnTimeout)
	assert.EqualValues(t, 13, sent.ResponseHeaderTimeout)
}

// afterAnswer calls read before the first byte of a body is read.
type afterAnswer struct {
	io.Reader
	read func()
}

func (a *afterAnswer) Read(p []byte) (int, error) {
	a.read()
	return a.Reader.Read(p)
}

// An answer may come, and the SDK close the request's body, before the
// transport has found its end. Were that an error, the transport would close
// the connection under the answer.
func TestAnswerBeforeTheEndOfTheBody(t *testing.T) {
	requests := 0
	cfg := valid()
	cfg.HTTP.RoundTripper = tripper(func(req *http.Request) (*http.Response, error) {
		requests++
		_, err := io.CopyN(io.Discard, req.Body, req.ContentLength)
		require.NoError(t, err)
		answer := &afterAnswer{strings.NewReader("<DeleteResult><Deleted><Key>k</Key></Deleted></DeleteResult>"), func() {
			n, err := io.Copy(io.Discard, req.Body)
			require.NoError(t, err)
			assert.Zero(t, n)
		}}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(answer), Request: req}, nil
	})
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	results, err := r.bucket().DeleteBatch(t.Context(), []string{"k"})
	require.NoError(t, err)
	assert.Equal(t, map[string]error{"k": nil}, results)
	assert.Equal(t, 1, requests)
}

func TestInitIsSharedAndSafe(t *testing.T) {
	var requests atomic.Int64
	cfg := valid()
	cfg.Region = ""
	cfg.HTTP.RoundTripper = answers(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-3")
	})
	client := NewReplicaClient(cfg)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { assert.NoError(t, client.Init(t.Context())) })
	}
	wg.Wait()
	assert.EqualValues(t, 1, requests.Load())
	assert.NoError(t, client.Close())
}

func TestNoSecretIsShown(t *testing.T) {
	secrets := []string{testSecret, testToken, testKey, base64.StdEncoding.EncodeToString([]byte(testKey)), fmt.Sprintf("%v", []byte(testKey)), fmt.Sprintf("%x", testKey)}
	clean := func(what, text string) {
		t.Helper()
		for _, secret := range secrets {
			assert.NotContains(t, text, secret, what)
		}
	}
	var log bytes.Buffer
	cfg := valid()
	cfg.SSECustomerKey = []byte(testKey)
	cfg.Retry = ltxstore.Retry{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.HTTP.RoundTripper = tripper(func(req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("Put %q: %w", req.URL.String()+"?X-Amz-Signature=abcdef&X-Amz-Security-Token="+testToken, io.ErrUnexpectedEOF)
	})
	client := NewReplicaClient(cfg)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, value := range []any{cfg, &cfg, client, struct{ Config Config }{cfg}} {
			clean(verb, fmt.Sprintf(verb, value))
		}
	}
	document := cfg
	document.Endpoint = "https://user:" + testSecret + "@s3.example.com"
	for _, value := range []any{document, &document, client, struct{ Config Config }{document}} {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		clean("JSON", string(text))
	}
	inJSON := slog.New(slog.NewJSONHandler(&log, nil))
	inJSON.Info("configured", "config", cfg, "pointer", &cfg, "client", client, slog.Group("group", "config", cfg))
	cfg.Logger.Info("configured", "config", cfg, "client", client)
	require.NoError(t, client.Init(t.Context()))
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	for _, op := range []string{"get", "put", "list", "delete"} {
		err := operations(r)[op](t.Context())
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		err = wrap(err)
		require.ErrorIs(t, err, ltxstore.ErrUnavailable)
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			clean(verb, fmt.Sprintf(verb, err))
		}
		cfg.Logger.Error("failed", "error", err)
	}
	require.ErrorIs(t, list(t.Context(), client), io.ErrUnexpectedEOF)
	assert.Contains(t, log.String(), "request failed, repeating it")
	clean("log", log.String())

	bad := cfg
	bad.Endpoint = "https://user:" + testSecret + "@host"
	clean("endpoint", fmt.Sprint(bad))
}

// The SDK writes to standard error if it is not told where to.
func TestSDKLogsThroughOurs(t *testing.T) {
	var log bytes.Buffer
	logger := new(oplog.Logger)
	logger.Set(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	r, err := valid().connect(t.Context(), logger)
	require.NoError(t, err)
	defer r.Close()
	r.Bucket.(*bucket).api.Options().Logger.Logf("WARN", "careful with %s", "https://h/?X-Amz-Signature=abc")
	assert.Contains(t, log.String(), "careful with https://h/")
	assert.NotContains(t, log.String(), "abc")
}
