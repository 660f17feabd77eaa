package s3

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

const (
	testSecret  = "s3cr3t+of/the+test"
	testToken   = "t0ken+of/the+test"
	testKey     = "0123456789abcdefghijklmnopqrstuv" // 32 bytes
	unreachable = "http://127.0.0.1:1"               // validation sends nothing
)

func valid() Config {
	return Config{Bucket: "bucket", Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: testSecret, SessionToken: testToken}
}

func many(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[strconv.Itoa(i)] = ""
	}
	return m
}

func TestValidate(t *testing.T) {
	yes := true
	missing := filepath.Join(t.TempDir(), "missing")
	short := filepath.Join(t.TempDir(), "short")
	require.NoError(t, os.WriteFile(short, []byte("short"), 0o600))

	for _, tt := range []struct {
		field string // in the error
		set   func(*Config)
	}{
		{"Bucket", func(c *Config) { c.Bucket = "" }},
		{"Bucket", func(c *Config) { c.Bucket = "a/b" }},
		{"Bucket", func(c *Config) { c.Bucket = "a b" }},
		{"Bucket", func(c *Config) { c.Bucket = "a?b" }},
		{"Bucket", func(c *Config) { c.Bucket = ".." }},
		{"Bucket", func(c *Config) { c.Bucket = "arn:accesspoint" }},
		{"Bucket", func(c *Config) { c.Bucket = "arn:aws:s3:::bucket" }},
		{"Bucket", func(c *Config) { c.Bucket = "arn:aws:sqs:us-west-2:123456789012:accesspoint/ap" }},
		{"Bucket", func(c *Config) { c.Bucket = strings.Repeat("b", 256) }},
		{"Bucket", func(c *Config) { c.Bucket = "arn:aws:s3" }},
		{"Bucket", func(c *Config) { c.Bucket = "arn:aws:iam::123456789012:role/x" }},
		{"PathStyle is true", func(c *Config) {
			c.Bucket, c.PathStyle = "arn:aws:s3:us-west-2:123456789012:accesspoint/ap", &yes
		}},
		{"Path", func(c *Config) { c.Path = "a/../b" }},
		{"Path", func(c *Config) { c.Path = "a\x00" }},
		{"Layout", func(c *Config) { c.Layout = 99 }},
		{"Region", func(c *Config) { c.Region = "nowhere" }},
		{"Region", func(c *Config) { c.Region = "us-east-1a" }},
		{"Bucket", func(c *Config) { c.Bucket, c.Region = "a/b", "" }}, // which would ask the bucket
		{"Region", func(c *Config) { c.Region, c.Endpoint = "us east", unreachable }},
		{"Endpoint", func(c *Config) { c.Endpoint = "127.0.0.1:9000" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "localhost" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "https://" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "ftp://host" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "http://host:port" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "http://host/?a=b" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "http://host/#a" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "https://user:" + testSecret + "@host" }},
		{"DualStack is true", func(c *Config) { c.Endpoint, c.DualStack = unreachable, true }},
		{"FIPS is true", func(c *Config) { c.Endpoint, c.FIPS = unreachable, true }},
		{"SecretAccessKey", func(c *Config) { c.SecretAccessKey = "" }},
		{"AccessKeyID", func(c *Config) { c.AccessKeyID = "" }},
		{"AccessKeyID", func(c *Config) { c.AccessKeyID, c.SecretAccessKey = "", "" }},
		{"AccessKeyID", func(c *Config) { c.AccessKeyID += " " }},
		{"SecretAccessKey", func(c *Config) { c.SecretAccessKey += "\n" }},
		{"SessionToken", func(c *Config) { c.SessionToken += "\t" }},
		{"Profile", func(c *Config) { c.Profile = " p" }},
		{"Profile", func(c *Config) { c.Profile = "nobody-has-this" }},
		{"RoleARN", func(c *Config) { c.RoleARN = "admin" }},
		{"RoleARN", func(c *Config) { c.RoleARN = "arn:aws:s3:::bucket" }},
		{"RoleARN", func(c *Config) { c.RoleARN = "arn:aws:iam::123456789012:user/x" }},
		{"RoleARN", func(c *Config) { c.RoleARN = "arn:aws:sts::123456789012:role/x" }},
		{"ExternalID", func(c *Config) { c.ExternalID = "x" }},
		{"CABundle", func(c *Config) { c.HTTP.CABundle = missing }},
		{"CABundle", func(c *Config) { c.HTTP.CABundle = short }},
		{"CABundle", func(c *Config) { c.HTTP.CABundle, c.HTTP.RoundTripper = short, roundTripper{} }},
		{"InsecureSkipVerify", func(c *Config) { c.HTTP.CABundle, c.HTTP.InsecureSkipVerify = short, true }},
		{"PartSize", func(c *Config) { c.Transfer.PartSize = -1 }},
		{"PartSize", func(c *Config) { c.Transfer.PartSize = 5<<20 - 1 }},
		{"PartSize", func(c *Config) { c.Transfer.PartSize = 5<<30 + 1 }},
		{"UploadThreshold", func(c *Config) { c.Transfer.UploadThreshold = -1 }},
		{"UploadThreshold", func(c *Config) { c.Transfer.UploadThreshold = 1 << 20 }},
		{"UploadThreshold", func(c *Config) { c.Transfer.PartSize, c.Transfer.UploadThreshold = 8<<20, 8<<20-1 }},
		{"UploadThreshold", func(c *Config) { c.Transfer.UploadThreshold = 5<<30 + 1 }},
		{"Concurrency", func(c *Config) { c.Transfer.Concurrency = -1 }},
		{"MetadataConcurrency", func(c *Config) { c.Transfer.MetadataConcurrency = -1 }},
		{"ReadConcurrency", func(c *Config) { c.Transfer.ReadConcurrency = -1 }},
		{"ReadMemory", func(c *Config) { c.Transfer.ReadMemory = -1 }},
		{"DeleteConcurrency", func(c *Config) { c.Transfer.DeleteConcurrency = -1 }},
		{"MaxConns", func(c *Config) { c.HTTP.MaxConns = -1 }},
		{"MaxIdleConns", func(c *Config) { c.HTTP.MaxIdleConns = -1 }},
		{"IdleConnTimeout", func(c *Config) { c.HTTP.IdleConnTimeout = -1 }},
		{"IdleTimeout", func(c *Config) { c.HTTP.IdleTimeout = -1 }},
		{"ResponseTimeout", func(c *Config) { c.HTTP.ResponseTimeout = -1 }},
		{"StorageClass", func(c *Config) { c.StorageClass = "standard ia" }},
		{"SSE", func(c *Config) { c.SSE = "aes" }},
		{"SSE", func(c *Config) { c.SSE, c.KMSKeyID = "AES256", "key" }},
		{"SSE", func(c *Config) { c.SSE, c.KMSContext = "AES256", many(1) }},
		{"KMSKeyID", func(c *Config) { c.KMSKeyID = "a key" }},
		{"KMSContext", func(c *Config) { c.KMSContext = map[string]string{"": "v"} }},
		{"SSECustomerKey", func(c *Config) { c.SSECustomerKey = []byte(testKey[1:]) }},
		{"SSECustomerKey", func(c *Config) { c.SSECustomerKey, c.SSE = []byte(testKey), "AES256" }},
		{"SSECustomerKey", func(c *Config) { c.SSECustomerKey, c.KMSKeyID = []byte(testKey), "key" }},
		{"SSECustomerKeyFile", func(c *Config) { c.SSECustomerKey, c.SSECustomerKeyFile = []byte(testKey), short }},
		{"SSECustomerKeyFile", func(c *Config) { c.SSECustomerKeyFile = short }},
		{"SSECustomerKeyFile", func(c *Config) { c.SSECustomerKeyFile = missing }},
		{"SSECustomerKey", func(c *Config) { c.SSECustomerKey, c.Endpoint = []byte(testKey), "HTTP://127.0.0.1:1" }},
		{"Tags", func(c *Config) { c.Tags = many(11) }},
		{"Tags", func(c *Config) { c.Tags = map[string]string{"": "v"} }},
		{"Tags", func(c *Config) { c.Tags = map[string]string{"aws:x": "v"} }},
		{"Tags", func(c *Config) { c.Tags = map[string]string{strings.Repeat("ä", 129): "v"} }},
		{"Tags[k]", func(c *Config) { c.Tags = map[string]string{"k": strings.Repeat("ä", 257)} }},
		{"ContentMD5", func(c *Config) { c.ContentMD5 = "sometimes" }},
		{"ContentMD5", func(c *Config) { c.Bucket, c.ContentMD5 = "b--usw2-az1--x-s3", MD5Always }},
		{"Checksum", func(c *Config) { c.ChecksumAlgorithm = "md5" }},
		{"WriteOnce is true", func(c *Config) { c.WriteOnce, c.Endpoint = true, "https://s3.us-west-002.backblazeb2.com" }},
		{"Retry.MaxAttempts", func(c *Config) { c.Retry.MaxAttempts = -1 }},
		{"Retry.BaseDelay", func(c *Config) { c.Retry.BaseDelay = time.Hour }},
	} {
		cfg := valid()
		tt.set(&cfg)
		if cfg.HTTP.RoundTripper == nil && cfg.HTTP.CABundle == "" {
			cfg.HTTP.RoundTripper = answers(func(http.ResponseWriter, *http.Request) { t.Errorf("%s: a request was sent", tt.field) })
		}
		_, err := connectTo(t, cfg)
		if !assert.ErrorIs(t, err, fs.ErrInvalid, tt.field) {
			continue
		}
		var typed *ltxstore.Error
		require.ErrorAs(t, err, &typed)
		assert.Equal(t, "init", typed.Op)
		assert.Equal(t, "s3", typed.Backend)
		assert.Contains(t, err.Error(), tt.field)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		assert.False(t, ltxstore.IsRetryable(err))
		for _, secret := range []string{testSecret, testToken, testKey[1:]} {
			assert.NotContains(t, err.Error(), secret)
		}
	}
}

func TestValidAreAccepted(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "raw")
	require.NoError(t, os.WriteFile(raw, []byte(testKey), 0o600))
	encoded := filepath.Join(t.TempDir(), "encoded")
	require.NoError(t, os.WriteFile(encoded, []byte("MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=\n"), 0o600))

	for name, set := range map[string]func(*Config){
		"plain":        func(*Config) {},
		"chain":        func(c *Config) { c.AccessKeyID, c.SecretAccessKey, c.SessionToken = "", "", "" },
		"access point": func(c *Config) { c.Bucket, c.Region = "arn:aws:s3:us-west-2:123456789012:accesspoint/ap", "" },
		"gov":          func(c *Config) { c.Region = "us-gov-west-1" },
		"china":        func(c *Config) { c.Region = "cn-north-1" },
		"sovereign":    func(c *Config) { c.Region = "eusc-de-east-1" },
		"far":          func(c *Config) { c.Region = "ap-southeast-5" },
		"auto":         func(c *Config) { c.Region, c.Endpoint = "auto", "https://a.r2.cloudflarestorage.com" },
		"path":         func(c *Config) { c.Endpoint = "https://p.supabase.co/storage/v1/s3" },
		"ceph tenant":  func(c *Config) { c.Bucket, c.Endpoint = "tenant:bucket", unreachable },
		"key":          func(c *Config) { c.SSECustomerKey = []byte(testKey) },
		"key file":     func(c *Config) { c.SSECustomerKeyFile = raw },
		"encoded key":  func(c *Config) { c.SSECustomerKeyFile = encoded },
		"role":         func(c *Config) { c.RoleARN, c.ExternalID = "arn:aws:iam::123456789012:role/r", "e" },
		"ten tags":     func(c *Config) { c.Tags = many(10) },
		"unsigned":     func(c *Config) { c.SignPayload = new(bool) },
		"unsigned md5": func(c *Config) { c.SignPayload, c.Endpoint, c.ContentMD5 = new(bool), unreachable, MD5Always },
		"largest part": func(c *Config) { c.Transfer.PartSize = 5 << 30 },
		"least part":   func(c *Config) { c.Transfer.PartSize, c.Transfer.UploadThreshold = 5<<20, 5<<20 },
		"all letters":  func(c *Config) { c.Bucket, c.Endpoint = "azAZ09-_.", unreachable },
		"longest tag": func(c *Config) {
			c.Tags = map[string]string{strings.Repeat("ä", 128): strings.Repeat("ä", 256)}
		},
		"longest name": func(c *Config) { c.Bucket = strings.Repeat("b", 255) },
		"write once":   func(c *Config) { c.WriteOnce = true },
		"directory":    func(c *Config) { c.Bucket = "b--usw2-az1--x-s3" },
		"dual stack":   func(c *Config) { c.DualStack, c.FIPS = true, true },
		"key over http": func(c *Config) {
			c.SSECustomerKey, c.Endpoint, c.SSECustomerOverHTTP = []byte(testKey), "http://127.0.0.1:1", true
		},
		"round tripper":  func(c *Config) { c.HTTP.RoundTripper = roundTripper{} },
		"skip verify":    func(c *Config) { c.HTTP.InsecureSkipVerify = true },
		"storage class":  func(c *Config) { c.StorageClass = "STANDARD_IA" },
		"kms, no SSE":    func(c *Config) { c.KMSKeyID = "alias/x" },
		"checksum given": func(c *Config) { c.Endpoint, c.ChecksumAlgorithm = unreachable, "sha256" },
	} {
		cfg := valid()
		set(&cfg)
		r, err := connectTo(t, cfg)
		if !assert.NoError(t, err, name) {
			continue
		}
		if strings.Contains(name, "key") {
			algorithm, key, sum := r.cfg.customerKey()
			assert.Equal(t, "AES256", *algorithm)
			assert.Equal(t, "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=", *key)
			assert.Equal(t, "qkvGcbTBx6OOKYAPUO9jRg==", *sum)
		}
	}
}

func TestDefaults(t *testing.T) {
	r, err := connectTo(t, Config{Bucket: "bucket", Region: "us-east-1"})
	require.NoError(t, err)
	assert.False(t, *r.cfg.PathStyle)
	assert.EqualValues(t, 8<<20, r.cfg.Transfer.PartSize)
	assert.EqualValues(t, 8<<20, r.cfg.Transfer.UploadThreshold)
	assert.Equal(t, 5, r.cfg.Transfer.Concurrency)
	assert.Equal(t, 64, r.cfg.Transfer.MetadataConcurrency)
	assert.Equal(t, 16, r.cfg.Transfer.ReadConcurrency)
	assert.EqualValues(t, 32<<20, r.cfg.Transfer.ReadMemory)
	assert.Equal(t, 4, r.cfg.Transfer.DeleteConcurrency)
	assert.Equal(t, 97, r.cfg.HTTP.MaxIdleConns)
	assert.Equal(t, 90*time.Second, r.cfg.HTTP.IdleConnTimeout)
	assert.Equal(t, time.Minute, r.cfg.HTTP.IdleTimeout)
	assert.Equal(t, time.Minute, r.cfg.HTTP.ResponseTimeout)
	assert.Equal(t, "crc32", r.cfg.ChecksumAlgorithm)
	algorithm, key, sum := r.cfg.customerKey()
	assert.Nil(t, algorithm)
	assert.Nil(t, key)
	assert.Nil(t, sum)

	r, err = connectTo(t, Config{Bucket: "bucket", Region: "auto", Endpoint: "https://a.r2.cloudflarestorage.com", HTTP: transport.Options{MaxConns: 8},
		KMSKeyID: "k", Transfer: object.Options{PartSize: 6 << 20}})
	require.NoError(t, err)
	assert.True(t, *r.cfg.PathStyle)
	assert.Equal(t, 2, r.cfg.Transfer.Concurrency)
	assert.Equal(t, 8, r.cfg.HTTP.MaxIdleConns)
	assert.Equal(t, "none", r.cfg.ChecksumAlgorithm)
	assert.Equal(t, "aws:kms", r.cfg.SSE)
	assert.EqualValues(t, 6<<20, r.cfg.Transfer.UploadThreshold)
}

// What the caller changes after Init changes nothing.
func TestConfigIsCopied(t *testing.T) {
	cfg := valid()
	cfg.SSECustomerKey = []byte(testKey)
	cfg.Tags = map[string]string{"k": "v"}
	r, err := connectTo(t, cfg)
	require.NoError(t, err)
	cfg.SSECustomerKey[0] = 'X'
	cfg.Tags["k"] = "other"
	assert.Equal(t, testKey, string(r.cfg.SSECustomerKey))
	assert.Equal(t, "v", r.cfg.Tags["k"])
}
