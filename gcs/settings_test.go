package gcs

import (
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
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func openConfig(t *testing.T, src ltxstore.Source) Config {
	t.Helper()
	client, err := ltxstore.OpenSource(t.Context(), src)
	require.NoError(t, err)
	return client.(*ReplicaClient).given()
}

// A URL and a file with the same content give the same Config, for every
// setting.
func TestURLAndFileAgree(t *testing.T) {
	key := strings.Repeat("k", 32)
	every := map[string]struct {
		value string
		want  Config
	}{
		"bucket":                {"bucket", Config{}},
		"path":                  {"a b/ü+c", Config{Path: "a b/ü+c"}},
		"layout":                {"litestream", Config{Layout: ltxstore.LayoutLitestream}},
		"endpoint":              {"http://localhost:4443/storage/v1", Config{Endpoint: "http://localhost:4443/storage/v1"}},
		"credentials-file":      {"/c.json", Config{CredentialsFile: "/c.json"}},
		"credentials-json":      {`{"type": "x&y+z"}`, Config{CredentialsJSON: []byte(`{"type": "x&y+z"}`)}},
		"anonymous":             {"true", Config{Anonymous: true}},
		"quota-project":         {"p", Config{QuotaProject: "p"}},
		"skip-verify":           {"true", Config{HTTP: transport.Options{InsecureSkipVerify: true}}},
		"ca-bundle":             {"/ca.pem", Config{HTTP: transport.Options{CABundle: "/ca.pem"}}},
		"max-conns":             {"7", Config{HTTP: transport.Options{MaxConns: 7}}},
		"max-idle-conns":        {"8", Config{HTTP: transport.Options{MaxIdleConns: 8}}},
		"idle-conn-timeout":     {"3s", Config{HTTP: transport.Options{IdleConnTimeout: 3 * time.Second}}},
		"idle-timeout":          {"4s", Config{HTTP: transport.Options{IdleTimeout: 4 * time.Second}}},
		"response-timeout":      {"5s", Config{HTTP: transport.Options{ResponseTimeout: 5 * time.Second}}},
		"retry-max-attempts":    {"3", Config{Retry: ltxstore.Retry{MaxAttempts: 3}}},
		"retry-base-delay":      {"5ms", Config{Retry: ltxstore.Retry{BaseDelay: 5 * time.Millisecond}}},
		"retry-max-delay":       {"6s", Config{Retry: ltxstore.Retry{MaxDelay: 6 * time.Second}}},
		"chunk-size":            {"1MiB", Config{Transfer: object.Options{PartSize: 1 << 20}}},
		"upload-threshold":      {"16MiB", Config{Transfer: object.Options{UploadThreshold: 16 << 20}}},
		"metadata-concurrency":  {"10", Config{Transfer: object.Options{MetadataConcurrency: 10}}},
		"read-concurrency":      {"11", Config{Transfer: object.Options{ReadConcurrency: 11}}},
		"read-memory":           {"11MiB", Config{Transfer: object.Options{ReadMemory: 11 << 20}}},
		"delete-concurrency":    {"12", Config{Transfer: object.Options{DeleteConcurrency: 12}}},
		"page-size":             {"13", Config{Transfer: object.Options{PageSize: 13}}},
		"storage-class":         {"NEARLINE", Config{StorageClass: "NEARLINE"}},
		"kms-key-name":          {"projects/p/locations/l/keyRings/r/cryptoKeys/k", Config{KMSKeyName: "projects/p/locations/l/keyRings/r/cryptoKeys/k"}},
		"sse-customer-key":      {base64.StdEncoding.EncodeToString([]byte(key)), Config{SSECustomerKey: []byte(key)}},
		"sse-customer-key-path": {"/key", Config{SSECustomerKeyFile: "/key"}},
		"write-once":            {"true", Config{WriteOnce: true}},
	}
	for _, name := range settings.Drivers().Get("gs").Names() {
		tt, ok := every[name]
		if !assert.True(t, ok, "%s is not tested", name) {
			continue
		}
		tt.want.Bucket = "bucket"
		given := map[string]string{"bucket": "bucket", name: tt.value}
		raw := "gs://bucket?" + url.Values{name: {tt.value}}.Encode()
		assert.Equal(t, tt.want, openConfig(t, ltxstore.Source{URL: raw}), name)
		given["type"] = "gcs"
		text, err := yaml.Dump(given)
		require.NoError(t, err)
		found, err := config.ParseReplicas(text, config.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, openConfig(t, found[0].Source()), name)
	}
}

func TestURLForms(t *testing.T) {
	for raw, want := range map[string]Config{
		"gs://bucket":               {Bucket: "bucket"},
		"gcs://bucket/":             {Bucket: "bucket"},
		"GS://my.bucket.com/a%20b/": {Bucket: "my.bucket.com", Path: "a b/"},
	} {
		assert.Equal(t, want, openConfig(t, ltxstore.Source{URL: raw}), raw)
	}
	assert.Equal(t, Config{Bucket: "bucket"}, openConfig(t, ltxstore.Source{Type: "gcs", URL: "gs://bucket"}), "two names of one backend")
	for raw, says := range map[string]string{
		"gs://":                    "has no bucket",
		"gs:bucket":                "has no bucket",
		"gs:///path":               "has no bucket",
		"gs://id:hush@bucket":      "the URL has a user",
		"gs://Bucket":              "bucket in the URL",
		"gs://bucket:80":           `bucket in the URL is "bucket:80"`,
		"gs://bucket?part-size=1":  `unknown setting "part-size" in the URL`,
		"gs://bucket?chunk-size=1": `chunk-size in the URL is "1"`,
		"gs://bucket?anonymous=ja": "want true or false",
		"gs://bucket?endpoint=x":   "want a URL such as https://host",
		"gs://bucket?credentials-json=hush&credentials-file=x": "are the same setting",
	} {
		_, err := ltxstore.Open(t.Context(), raw)
		require.ErrorIs(t, err, fs.ErrInvalid, raw)
		assert.ErrorContains(t, err, says, raw)
		assert.NotContains(t, err.Error(), "hush")
	}
	assert.Equal(t, "gs://bucket?credentials-json=[redacted]&page-size=3", ltxstore.Redact("gs://bucket?credentials-json=hush&page-size=3"))
}
