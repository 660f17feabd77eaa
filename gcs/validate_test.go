package gcs

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// nobody fails the test if a request is sent.
type nobody struct{ t *testing.T }

func (n nobody) RoundTrip(req *http.Request) (*http.Response, error) {
	n.t.Errorf("a request was sent: %s", req.URL)
	return nil, http.ErrHandlerTimeout
}

// Each bad value is refused by Init with the field's name, before a request.
func TestBadConfig(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	require.NoError(t, os.WriteFile(short, []byte("too short"), 0o600))
	client, err := storage.NewClient(t.Context(), option.WithoutAuthentication())
	require.NoError(t, err)
	defer client.Close()
	key := []byte(strings.Repeat("k", 32))

	for _, tt := range []struct {
		field  string
		change func(*Config)
	}{
		{"Bucket", func(c *Config) { c.Bucket = "" }},
		{"Bucket", func(c *Config) { c.Bucket = "a/b" }},
		{"Bucket", func(c *Config) { c.Bucket = "Upper" }},
		{"Bucket", func(c *Config) { c.Bucket = "ab" }},
		{"Bucket", func(c *Config) { c.Bucket = "-bucket" }},
		{"Path", func(c *Config) { c.Path = "a/../b" }},
		{"Layout", func(c *Config) { c.Layout = 77 }},
		{"Endpoint", func(c *Config) { c.Endpoint = "127.0.0.1:4443" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "ftp://host" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "https://host/some/path" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "https://host/some/storage/v1/" }},
		{"Endpoint", func(c *Config) { c.Endpoint = "https://user:hidden@host" }},
		{"Endpoint", func(c *Config) { c.Endpoint, c.SSECustomerKey = "http://host", key }},
		{"CredentialsFile", func(c *Config) { c.CredentialsFile = short + ".missing" }},
		{"CredentialsFile", func(c *Config) { c.CredentialsFile = short }},
		{"CredentialsJSON", func(c *Config) { c.CredentialsJSON = []byte("hidden") }},
		{"CredentialsJSON", func(c *Config) { c.CredentialsJSON = []byte(`{"type":"none"}`) }},
		{"CredentialsJSON", func(c *Config) { c.CredentialsFile, c.CredentialsJSON = short, []byte("{}") }},
		{"Anonymous is true", func(c *Config) { c.Anonymous, c.CredentialsFile = true, short }},
		{"QuotaProject", func(c *Config) { c.QuotaProject = "two words" }},
		{"InsecureSkipVerify", func(c *Config) { c.HTTP.RoundTripper, c.HTTP.CABundle, c.HTTP.InsecureSkipVerify = nil, short, true }},
		{"CABundle", func(c *Config) { c.HTTP.CABundle = short }},
		{"CABundle", func(c *Config) { c.HTTP.RoundTripper, c.HTTP.CABundle = nil, short }},
		{"Client", func(c *Config) { c.Client = client }},
		{"Transfer.PartSize", func(c *Config) { c.Transfer.PartSize = -1 }},
		{"Transfer.PartSize", func(c *Config) { c.Transfer.PartSize = 300 << 10 }},
		{"Transfer.PartSize", func(c *Config) { c.Transfer.PartSize = 2 << 30 }},
		{"UploadThreshold", func(c *Config) { c.Transfer.UploadThreshold = -1 }},
		{"UploadThreshold", func(c *Config) { c.Transfer.UploadThreshold = 2 << 30 }},
		{"MetadataConcurrency", func(c *Config) { c.Transfer.MetadataConcurrency = -1 }},
		{"ReadConcurrency", func(c *Config) { c.Transfer.ReadConcurrency = -1 }},
		{"ReadMemory", func(c *Config) { c.Transfer.ReadMemory = -1 }},
		{"DeleteConcurrency", func(c *Config) { c.Transfer.DeleteConcurrency = -1 }},
		{"PageSize", func(c *Config) { c.Transfer.PageSize = -1 }},
		{"PageSize", func(c *Config) { c.Transfer.PageSize = 1001 }},
		{"MaxConns", func(c *Config) { c.HTTP.MaxConns = -1 }},
		{"MaxIdleConns", func(c *Config) { c.HTTP.MaxIdleConns = -1 }},
		{"IdleConnTimeout", func(c *Config) { c.HTTP.IdleConnTimeout = -1 }},
		{"IdleTimeout", func(c *Config) { c.HTTP.IdleTimeout = -1 }},
		{"ResponseTimeout", func(c *Config) { c.HTTP.ResponseTimeout = -1 }},
		{"StorageClass", func(c *Config) { c.StorageClass = "nearline" }},
		{"KMSKeyName", func(c *Config) { c.KMSKeyName = "k" }},
		{"KMSKeyName", func(c *Config) {
			c.KMSKeyName, c.SSECustomerKey = "projects/p/locations/l/keyRings/r/cryptoKeys/k", key
		}},
		{"SSECustomerKey", func(c *Config) { c.SSECustomerKey = []byte("hidden") }},
		{"SSECustomerKeyFile", func(c *Config) { c.SSECustomerKeyFile = short }},
		{"SSECustomerKeyFile", func(c *Config) { c.SSECustomerKeyFile, c.SSECustomerKey = short, key }},
		{"Retry.MaxAttempts", func(c *Config) { c.Retry.MaxAttempts = -1 }},
		{"Retry.BaseDelay", func(c *Config) { c.Retry.BaseDelay = time.Hour }},
	} {
		cfg := Config{Bucket: "bucket", HTTP: transport.Options{RoundTripper: nobody{t}}}
		tt.change(&cfg)
		c := NewReplicaClient(cfg)
		for range 2 { // a failed Init leaves no state
			err := c.Init(t.Context())
			require.ErrorIs(t, err, fs.ErrInvalid, tt.field)
			assert.NotErrorIs(t, err, fs.ErrNotExist)
			want := tt.field
			if want == "Client" {
				want = "RoundTripper" // which is beside it here
			}
			assert.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), "hidden")
		}
	}
}

// A client that is there already takes no setting that it would ignore.
func TestBadConfigWithAClient(t *testing.T) {
	client, err := storage.NewClient(t.Context(), option.WithoutAuthentication())
	require.NoError(t, err)
	defer client.Close()
	for field, change := range map[string]func(*Config){
		"Endpoint":           func(c *Config) { c.Endpoint = "https://host" },
		"CredentialsFile":    func(c *Config) { c.CredentialsFile = "f" },
		"CredentialsJSON":    func(c *Config) { c.CredentialsJSON = []byte("{}") },
		"Anonymous":          func(c *Config) { c.Anonymous = true },
		"CABundle":           func(c *Config) { c.HTTP.CABundle = "f" },
		"InsecureSkipVerify": func(c *Config) { c.HTTP.InsecureSkipVerify = true },
		"MaxConns":           func(c *Config) { c.HTTP.MaxConns = 1 },
		"MaxIdleConns":       func(c *Config) { c.HTTP.MaxIdleConns = 1 },
		"Client":             func(c *Config) { c.Client = new(storage.Client) }, // it would panic
	} {
		cfg := Config{Bucket: "bucket", Client: client}
		change(&cfg)
		err := NewReplicaClient(cfg).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid, field)
		assert.ErrorContains(t, err, field)
	}
	assert.NoError(t, NewReplicaClient(Config{Bucket: "bucket", Client: client}).Init(t.Context()))
}

// The largest and the smallest values that are documented are good ones.
func TestLimits(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"most": func(c *Config) {
			c.Transfer.PageSize, c.Transfer.PartSize, c.Transfer.UploadThreshold = 1000, 1<<30, 1<<30
		},
		"least":    func(c *Config) { c.Transfer.PageSize, c.Transfer.PartSize, c.Transfer.UploadThreshold = 1, 256<<10, 1 },
		"no key":   func(c *Config) { c.SSECustomerKey = []byte{} },
		"defaults": func(*Config) {},
	} {
		cfg := Config{Bucket: "bucket", Anonymous: true, HTTP: transport.Options{RoundTripper: nobody{t}}}
		change(&cfg)
		assert.NoError(t, NewReplicaClient(cfg).Init(t.Context()), name)
	}
}

// Credentials without a type are refused for that, and not for a type "".
func TestCredentialsWithoutAType(t *testing.T) {
	for _, content := range []string{"{}", `{"client_email":"a@b"}`} {
		err := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: []byte(content), HTTP: transport.Options{RoundTripper: nobody{t}}}).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, "want credentials in JSON")
		assert.NotContains(t, err.Error(), "is not understood")
	}
}

func TestDefaults(t *testing.T) {
	cfg := Config{Bucket: "bucket"}.withDefaults()
	assert.Equal(t, Config{
		Bucket: "bucket", Transfer: object.Options{PartSize: 8 << 20, UploadThreshold: 8 << 20, Concurrency: 1, MetadataConcurrency: 32, ReadConcurrency: 16, ReadMemory: 32 << 20, DeleteConcurrency: 64, PageSize: 1000}, HTTP: transport.Options{MaxIdleConns: 121, IdleConnTimeout: 90 * time.Second, IdleTimeout: time.Minute, ResponseTimeout: time.Minute},
		Retry: ltxstore.Retry{MaxAttempts: 10, BaseDelay: 100 * time.Millisecond, MaxDelay: 20 * time.Second},
	}, cfg)
	assert.True(t, Config{Endpoint: "http://h"}.withDefaults().Anonymous)
	assert.False(t, Config{Endpoint: "http://h", CredentialsFile: "f"}.withDefaults().Anonymous)
	assert.Equal(t, 3, Config{HTTP: transport.Options{MaxConns: 3}}.withDefaults().HTTP.MaxIdleConns)
	assert.True(t, NewReplicaClient(Config{}).Retries())
	assert.False(t, NewReplicaClient(Config{Retry: ltxstore.Retry{MaxAttempts: 1}}).Retries())
}
