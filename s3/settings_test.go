package s3

import (
	"crypto/md5"
	"encoding/base64"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func noEnv(string) (string, bool) { return "", false }

func env(pairs ...string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == key {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// resolve returns the Config of a URL, whose environment is empty.
func resolve(t *testing.T, raw string) (Config, error) {
	t.Helper()
	client, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: raw, Getenv: noEnv})
	if err != nil {
		return Config{}, err
	}
	return client.(*ReplicaClient).given(), nil
}

// every is each setting with a value, and what it does to a Config.
func every() []struct {
	key, value string
	want       func(*Config)
} {
	key := []byte(strings.Repeat("k", 32))
	sum := md5.Sum(key)
	yes, no := true, false
	return []struct {
		key, value string
		want       func(*Config)
	}{
		{"bucket", "b", func(c *Config) {}},
		{"path", "a b/ü+c", func(c *Config) { c.Path = "a b/ü+c" }},
		{"layout", "litestream-s3", func(c *Config) { c.Layout = ltxstore.LayoutLitestreamS3 }},
		{"region", "eu-west-3", func(c *Config) { c.Region = "eu-west-3" }},
		{"endpoint", "https://minio.example:9000/x", func(c *Config) { c.Endpoint = "https://minio.example:9000/x" }},
		{"force-path-style", "false", func(c *Config) { c.PathStyle = &no }},
		{"forcePathStyle", "true", func(c *Config) { c.PathStyle = &yes }},
		{"path-style", "1", func(c *Config) { c.PathStyle = &yes }},
		{"dual-stack", "true", func(c *Config) { c.DualStack = true }},
		{"fips", "true", func(c *Config) { c.FIPS = true }},
		{"access-key-id", "AKIA", func(c *Config) { c.AccessKeyID = "AKIA" }},
		{"secret-access-key", "a+/=&?#", func(c *Config) { c.SecretAccessKey = "a+/=&?#" }},
		{"session-token", "tok+en", func(c *Config) { c.SessionToken = "tok+en" }},
		{"profile", "backup", func(c *Config) { c.Profile = "backup" }},
		{"role-arn", "arn:aws:iam::123456789012:role/r", func(c *Config) { c.RoleARN = "arn:aws:iam::123456789012:role/r" }},
		{"external-id", "x", func(c *Config) { c.ExternalID = "x" }},
		{"skip-verify", "yes", func(c *Config) { c.HTTP.InsecureSkipVerify = true }},
		{"skipVerify", "t", func(c *Config) { c.HTTP.InsecureSkipVerify = true }},
		{"ca-bundle", "/ca.pem", func(c *Config) { c.HTTP.CABundle = "/ca.pem" }},
		{"max-conns", "7", func(c *Config) { c.HTTP.MaxConns = 7 }},
		{"max-idle-conns", "8", func(c *Config) { c.HTTP.MaxIdleConns = 8 }},
		{"idle-conn-timeout", "3s", func(c *Config) { c.HTTP.IdleConnTimeout = 3 * time.Second }},
		{"idle-timeout", "4s", func(c *Config) { c.HTTP.IdleTimeout = 4 * time.Second }},
		{"response-timeout", "1m5s", func(c *Config) { c.HTTP.ResponseTimeout = 65 * time.Second }},
		{"retry-max-attempts", "3", func(c *Config) { c.Retry.MaxAttempts = 3 }},
		{"retry-base-delay", "5ms", func(c *Config) { c.Retry.BaseDelay = 5 * time.Millisecond }},
		{"retry-max-delay", "6s", func(c *Config) { c.Retry.MaxDelay = 6 * time.Second }},
		{"part-size", "8MiB", func(c *Config) { c.Transfer.PartSize = 8 << 20 }},
		{"partSize", "8388608", func(c *Config) { c.Transfer.PartSize = 8 << 20 }},
		{"upload-threshold", "16MiB", func(c *Config) { c.Transfer.UploadThreshold = 16 << 20 }},
		{"concurrency", "9", func(c *Config) { c.Transfer.Concurrency = 9 }},
		{"metadata-concurrency", "10", func(c *Config) { c.Transfer.MetadataConcurrency = 10 }},
		{"read-concurrency", "11", func(c *Config) { c.Transfer.ReadConcurrency = 11 }},
		{"read-memory", "11MiB", func(c *Config) { c.Transfer.ReadMemory = 11 << 20 }},
		{"delete-concurrency", "12", func(c *Config) { c.Transfer.DeleteConcurrency = 12 }},
		{"storage-class", "STANDARD_IA", func(c *Config) { c.StorageClass = "STANDARD_IA" }},
		{"storageClass", "GLACIER_IR", func(c *Config) { c.StorageClass = "GLACIER_IR" }},
		{"tags.env", "prod,eu=1", func(c *Config) { c.Tags = map[string]string{"env": "prod,eu=1"} }},
		{"write-once", "true", func(c *Config) { c.WriteOnce = true }},
		{"sse", "aws:kms", func(c *Config) { c.SSE = "aws:kms" }},
		{"sse-kms-key-id", "alias/k", func(c *Config) { c.KMSKeyID = "alias/k" }},
		{"sseKmsKeyId", "alias/k", func(c *Config) { c.KMSKeyID = "alias/k" }},
		{"sse-kms-context.app", "ltx", func(c *Config) { c.KMSContext = map[string]string{"app": "ltx"} }},
		{"sse-customer-key", base64.StdEncoding.EncodeToString(key), func(c *Config) { c.SSECustomerKey = key }},
		{"sseCustomerKey", base64.StdEncoding.EncodeToString(key), func(c *Config) { c.SSECustomerKey = key }},
		{"sse-customer-key-path", "/key", func(c *Config) { c.SSECustomerKeyFile = "/key" }},
		{"sse-customer-algorithm", "AES256", func(c *Config) {}},
		{"sseCustomerAlgorithm", "AES256", func(c *Config) {}},
		{"sse-customer-key-md5", base64.StdEncoding.EncodeToString(sum[:]), func(c *Config) { c.SSECustomerKey = key }},
		{"sseCustomerKeyMD5", base64.StdEncoding.EncodeToString(sum[:]), func(c *Config) { c.SSECustomerKey = key }},
		{"checksum-algorithm", "sha256", func(c *Config) { c.ChecksumAlgorithm = "sha256" }},
		{"sign-payload", "false", func(c *Config) { c.SignPayload = new(bool) }},
		{"sse-customer-over-http", "true", func(c *Config) { c.SSECustomerOverHTTP = true }},
		{"signPayload", "true", func(c *Config) { c.SignPayload = &yes }},
		{"sign-accept-encoding", "true", func(c *Config) {}},
		{"sign-accept-encoding", "false", func(c *Config) { c.hideAcceptEncoding = true }},
		{"content-md5", "bodies", func(c *Config) { c.ContentMD5 = MD5Bodies }},
		{"content-md5", "always", func(c *Config) { c.ContentMD5 = MD5Always }},
		{"require-content-md5", "false", func(c *Config) { c.ContentMD5 = MD5Never }},
		{"requireContentMD5", "true", func(c *Config) {}},
		{"put-object-content-md5", "true", func(c *Config) { c.ContentMD5 = MD5Always }},
		{"putObjectContentMD5", "false", func(c *Config) {}},
	}
}

// required are the settings that a setting requires.
var required = map[string]map[string]string{
	"access-key-id":        {"secret-access-key": "s"},
	"secret-access-key":    {"access-key-id": "i"},
	"session-token":        {"access-key-id": "i", "secret-access-key": "s"},
	"external-id":          {"role-arn": "arn:aws:iam::123456789012:role/r"},
	"sse-customer-key-md5": {"sse-customer-key": base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))},
	"sseCustomerKeyMD5":    {"sse-customer-key": base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))},
}

// A URL and a file with the same content give the same Config, for every
// setting and alias.
func TestURLAndFileAgree(t *testing.T) {
	tested := make(map[string]bool)
	for _, tt := range every() {
		given := map[string]string{tt.key: tt.value}
		var want Config
		for key, value := range required[tt.key] {
			given[key] = value
			switch key {
			case "access-key-id":
				want.AccessKeyID = value
			case "secret-access-key":
				want.SecretAccessKey = value
			case "role-arn":
				want.RoleARN = value
			case "sse-customer-key":
				want.SSECustomerKey = []byte(strings.Repeat("k", 32))
			}
		}
		want.Bucket = "b"
		tt.want(&want)

		query := make(url.Values)
		for key, value := range given {
			query.Set(key, value)
		}
		fromURL, err := resolve(t, "s3://b?"+query.Encode())
		require.NoError(t, err, tt.key)
		assert.Equal(t, want, fromURL, tt.key)

		given["bucket"], given["type"] = "b", "s3"
		text, err := yaml.Dump(given)
		require.NoError(t, err)
		found, err := config.ParseReplicas(text, config.Options{NoExpandEnv: true, Getenv: noEnv})
		require.NoError(t, err, tt.key)
		client, err := found[0].Open(t.Context())
		require.NoError(t, err, tt.key)
		assert.Equal(t, want, client.(*ReplicaClient).given(), tt.key)
		name, _, _ := settings.Drivers().Get(typeName).Lookup(tt.key)
		name, _, _ = strings.Cut(name, ".")
		tested[name] = true
	}
	for _, name := range settings.Drivers().Get(typeName).Names() {
		assert.True(t, tested[name], "%s is not tested", name)
	}
}

func TestSettingsRefused(t *testing.T) {
	for raw, says := range map[string]string{
		"s3://b?forcePathStyel=true":                              "did you mean force-path-style?",
		"s3://b?skip-verify=ture":                                 "want true or false",
		"s3://b?sign-payload=maybe":                               "want true or false",
		"s3://b?part-size=5XB":                                    "want a size in bytes",
		"s3://b?part-size=1":                                      `part-size in the URL is "1": want 0 (default), or 5 MiB to 5 GiB`,
		"s3://b?concurrency=many":                                 "want a whole number",
		"s3://b?layout=flat":                                      "is \"flat\": want auto, default, litestream or litestream-s3",
		"s3://b?content-md5=never&require-content-md5=true":       "are the same setting",
		"s3://b?sse-customer-algorithm=AES128":                    "want \"\" or \"AES256\"",
		"s3://b?sse-customer-key=hush!":                           "not shown: want base64",
		"s3://b?sse-customer-key-md5=hush":                        "want the MD5 of sse-customer-key in base64",
		"s3://b?sse-customer-key=aHVzaA==":                        "want 32 bytes",
		"s3://b?sse-customer-key=a&sse-customer-key-path=b":       "are the same setting",
		"s3://b?access-key-id=a":                                  "secret-access-key is missing",
		"s3://id:@b":                                              "only one of user and password",
		"s3://id@b":                                               "only one of user and password",
		"s3://:hush@b":                                            "only one of user and password",
		"s3://id:hush@b?secret-access-key=hush2":                  "not shown",
		"s3://b/p?path=q":                                         `path in the URL is "p" and path in the URL is "q"`,
		"s3://b/../q":                                             `want no ".." segment`,
		"s3://b?endpoint=ftp://x":                                 "want a URL such as https://host",
		"s3://b?endpoint=http://me:hush@x":                        "set credentials in their own fields",
		"s3://b.s3.eu-west-1.amazonaws.com?region=us-east-1":      `region in the URL is "eu-west-1" and region in the URL is "us-east-1"`,
		"s3://b.nyc3.digitaloceanspaces.com?endpoint=https://x.y": "want one of them",
		"s3://b.s3.eu-west-1.amazonaws.com:443/p":                 "without a port",
	} {
		_, err := resolve(t, raw)
		if assert.Error(t, err, raw) {
			assert.Contains(t, err.Error(), says, raw)
			assert.NotContains(t, err.Error(), "hush", raw)
		}
		_, err = ltxstore.Open(t.Context(), raw)
		assert.ErrorIs(t, err, fs.ErrInvalid, raw)
	}
}

// Defect 28: there is one parser, so that SSE is in what both ways give.
// Defect 29: a session token is kept, from a URL too.
func TestSessionToken(t *testing.T) {
	cfg, err := resolve(t, "s3://ID:se%2Fcret@b/p?session-token=tok")
	require.NoError(t, err)
	assert.Equal(t, Config{AccessKeyID: "ID", SecretAccessKey: "se/cret", SessionToken: "tok", Bucket: "b", Path: "p"}, cfg)
}

// Defect 29: AWS's own variables are left to the SDK, which takes the token
// with them; Litestream's take it too.
func TestEnvironment(t *testing.T) {
	open := func(raw string, getenv func(string) (string, bool)) (Config, error) {
		client, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: raw, Getenv: getenv})
		if err != nil {
			return Config{}, err
		}
		return client.(*ReplicaClient).given(), nil
	}
	ours := []string{"LITESTREAM_ACCESS_KEY_ID", "idL", "LITESTREAM_SECRET_ACCESS_KEY", "lsecret"}
	aws := []string{"AWS_ACCESS_KEY_ID", "aid", "AWS_SECRET_ACCESS_KEY", "asecret", "AWS_SESSION_TOKEN", "atoken"}
	for _, tt := range []struct {
		name, raw string
		env       []string
		want      Config
	}{
		{"nothing", "s3://b", nil, Config{Bucket: "b"}},
		{"AWS's is the SDK's", "s3://b", aws, Config{Bucket: "b"}},
		{"AWS's wins", "s3://b", append(aws, ours...), Config{Bucket: "b"}},
		{"Litestream's", "s3://b", ours, Config{Bucket: "b", AccessKeyID: "idL", SecretAccessKey: "lsecret"}},
		{"with a token", "s3://b", append([]string{"AWS_SESSION_TOKEN", "t"}, ours...), Config{Bucket: "b", AccessKeyID: "idL", SecretAccessKey: "lsecret", SessionToken: "t"}},
		{"one by one", "s3://b", append([]string{"AWS_ACCESS_KEY_ID", "aid"}, ours...), Config{Bucket: "b", AccessKeyID: "aid", SecretAccessKey: "lsecret"}},
		{"empty is not set", "s3://b", append([]string{"AWS_ACCESS_KEY_ID", "", "AWS_SECRET_ACCESS_KEY", ""}, ours...), Config{Bucket: "b", AccessKeyID: "idL", SecretAccessKey: "lsecret"}},
		{"the URL's wins", "s3://id:s@b", append([]string{"AWS_SESSION_TOKEN", "t"}, ours...), Config{Bucket: "b", AccessKeyID: "id", SecretAccessKey: "s"}},
		{"a profile wins", "s3://b?profile=p", ours, Config{Bucket: "b", Profile: "p"}},
		{"endpoint", "s3://b", []string{"LITESTREAM_S3_ENDPOINT", "localhost:9000"}, Config{Bucket: "b", Endpoint: "http://localhost:9000"}},
		{"the URL's endpoint", "s3://b?endpoint=https://x", []string{"LITESTREAM_S3_ENDPOINT", "localhost:9000"}, Config{Bucket: "b", Endpoint: "https://x"}},
	} {
		cfg, err := open(tt.raw, env(tt.env...))
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.want, cfg, tt.name)
	}
	_, err := open("s3://b", env(ours[:2]...))
	assert.ErrorContains(t, err, "only one of LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY is set")
	assert.NotContains(t, err.Error(), "idL")
}

// Litestream's two settings of Content-MD5 are independent: one for bodies, one
// for deletions.
func TestContentMD5OfBodiesAlone(t *testing.T) {
	for raw, want := range map[string]MD5Mode{
		"s3://b?requireContentMD5=false&put-object-content-md5=true":  MD5Bodies,
		"s3://b?requireContentMD5=true&put-object-content-md5=true":   MD5Always,
		"s3://b?requireContentMD5=false&put-object-content-md5=false": MD5Never,
	} {
		cfg, err := resolve(t, raw)
		require.NoError(t, err)
		assert.Equal(t, want, cfg.ContentMD5, raw)
	}
}
