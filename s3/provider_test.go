package s3

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProviderOf(t *testing.T) {
	for _, tt := range []struct{ endpoint, name, region string }{
		{"", "aws", ""},
		{"https://s3.eu-west-1.amazonaws.com", "aws", "eu-west-1"},
		{"https://s3.dualstack.eu-west-1.amazonaws.com", "aws", "eu-west-1"},
		{"https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", "aws", "us-east-1"},
		{"https://s3.cn-north-1.amazonaws.com.cn", "aws", "cn-north-1"},
		{"https://s3.amazonaws.com", "aws", ""},
		{"https://0123456789abcdef.r2.cloudflarestorage.com", "cloudflare-r2", "auto"},
		{"https://0123456789abcdef.eu.r2.cloudflarestorage.com", "cloudflare-r2", "auto"},
		{"https://s3.us-west-002.backblazeb2.com", "backblaze-b2", "us-west-002"},
		{"https://nyc3.digitaloceanspaces.com", "digitalocean", "nyc3"},
		{"https://bucket.nyc3.digitaloceanspaces.com", "digitalocean", "nyc3"},
		{"https://fly.storage.tigris.dev", "tigris", "auto"},
		{"https://t3.storage.dev", "tigris", "auto"},
		{"https://T3.storage.dev.", "tigris", "auto"},
		{"https://bucket.t3.storage.dev", "unknown", ""},
		{"https://xt3.storage.dev", "unknown", ""},
		{"https://fsn1.your-objectstorage.com", "hetzner", "fsn1"},
		{"https://s3.nl-ams.scw.cloud", "scaleway", "nl-ams"},
		{"https://s3.filebase.com", "filebase", "us-east-1"},
		{"https://abc.supabase.co/storage/v1/s3", "supabase", ""},
		{"https://abc.storage.supabase.co/storage/v1/s3", "supabase", ""},
		{"https://abc.supabase.co/", "unknown", ""},
		{"https://ns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com", "oracle-oci", "eu-frankfurt-1"},
		{"https://storage.googleapis.com", "google", "auto"},
		{"https://storage.europe-west3.rep.googleapis.com", "google", "europe-west3"},
		{"https://us-east-1.linodeobjects.com", "linode", "us-east-1"},
		{"https://s3.eu-central-1.wasabisys.com", "wasabi", "eu-central-1"},
		{"https://s3.wasabisys.com", "wasabi", "us-east-1"},
		{"https://oss-cn-hangzhou.aliyuncs.com", "aliyun-oss", "cn-hangzhou"},
		{"https://s3.oss-cn-hangzhou.aliyuncs.com", "aliyun-oss", "cn-hangzhou"},
		{"https://oss-cn-hangzhou-internal.aliyuncs.com", "aliyun-oss", "cn-hangzhou"},
		{"https://gateway.storjshare.io", "storj", "us-east-1"},
		{"http://127.0.0.1:9000", "unknown", ""},
		{"http://[::1]:9000", "unknown", ""},
		{"http://localhost", "unknown", ""},
		{"https://minio.example.com", "unknown", ""},
		{"https://evilbackblazeb2.com", "unknown", ""},
		{"https://s3.us-west-002.backblazeb2.com.example.org", "unknown", ""},
	} {
		var endpoint *url.URL
		if tt.endpoint != "" {
			var err error
			endpoint, err = url.Parse(tt.endpoint)
			require.NoError(t, err)
		}
		got := providerOf(endpoint, "bucket")
		assert.Equal(t, tt.name, got.name, tt.endpoint)
		assert.Equal(t, tt.region, got.region, tt.endpoint)
		assert.Equal(t, tt.name != "aws", got.noChecksum, tt.endpoint)
	}
}

// Each fact that code depends on, once more in other words.
func TestProviderFacts(t *testing.T) {
	row := func(endpoint string) provider {
		u, err := url.Parse(endpoint)
		require.NoError(t, err)
		return providerOf(u, "bucket")
	}
	r2 := row("https://a.r2.cloudflarestorage.com")
	assert.True(t, r2.equalParts)
	assert.Equal(t, 2, r2.maxConcurrency)
	assert.Equal(t, 1000, row("https://s3.fr-par.scw.cloud").maxParts)
	tigris := row("https://fly.storage.tigris.dev")
	assert.True(t, tigris.noDeleteMD5)
	assert.Equal(t, map[string]string{"X-Tigris-Consistent": "true"}, tigris.header)
	google := row("https://storage.googleapis.com")
	assert.True(t, google.dropAcceptEncoding)
	assert.True(t, google.noBatchDelete)
	assert.True(t, google.noConditional)
	assert.True(t, row("https://s3.us-west-002.backblazeb2.com").noConditional)
	storj := row("https://gateway.storjshare.io")
	assert.True(t, storj.unsorted)
	assert.True(t, storj.noStartAfter)
	for _, endpoint := range []string{"https://nyc3.digitaloceanspaces.com", "https://oss-cn-hangzhou.aliyuncs.com", "https://s3.eu-west-1.amazonaws.com"} {
		assert.True(t, row(endpoint).virtualHost, endpoint)
	}
	assert.False(t, row("http://127.0.0.1:9000").virtualHost)
}

func TestDirectoryBucket(t *testing.T) {
	got := providerOf(nil, "b--usw2-az1--x-s3")
	assert.Equal(t, "aws", got.name)
	assert.True(t, got.unsorted)
	assert.True(t, got.noStartAfter)
	assert.True(t, got.noDeleteMD5)
	assert.False(t, providerOf(nil, "b").unsorted)
}
