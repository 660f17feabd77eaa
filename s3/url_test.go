package s3

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// The forms of URLs that Litestream has, of 0.3 too, and defect 31: no path is
// made of nothing, no address is a bucket, and nothing is decoded twice.
func TestURLForms(t *testing.T) {
	for raw, want := range map[string]Config{
		"s3://b":                     {Bucket: "b"},
		"s3://b/":                    {Bucket: "b"},
		"S3://b/foo/":                {Bucket: "b", Path: "foo/"},
		"s3://b//foo":                {Bucket: "b", Path: "/foo"},
		"s3://b/a%20b%2Fc%2520":      {Bucket: "b", Path: "a b/c%20"},
		"s3://b/a+b@c:d":             {Bucket: "b", Path: "a+b@c:d"},
		"s3://my.bucket.com/db":      {Bucket: "my.bucket.com", Path: "db"},
		"s3://10.example.com/db":     {Bucket: "10.example.com", Path: "db"},
		"s3://b.s3.amazonaws.com/db": {Bucket: "b", Path: "db"},
		"s3://my.b.s3.eu-west-3.amazonaws.com/db":              {Bucket: "my.b", Path: "db", Region: "eu-west-3"},
		"s3://b.nyc3.digitaloceanspaces.com/db":                {Bucket: "b", Path: "db", Region: "nyc3", Endpoint: "https://nyc3.digitaloceanspaces.com"},
		"s3://b.s3.nyc3.digitaloceanspaces.com/db":             {Bucket: "b", Path: "db", Region: "nyc3", Endpoint: "https://s3.nyc3.digitaloceanspaces.com"},
		"s3://arn:aws:s3::123456789012:accesspoint/n.mrap":     {Bucket: "arn:aws:s3::123456789012:accesspoint/n.mrap"},
		"s3://b.s3.us-west-002.backblazeb2.com/db":             {Bucket: "b", Path: "db", Region: "us-west-002", Endpoint: "https://s3.us-west-002.backblazeb2.com"},
		"s3://b.s3.filebase.com/db":                            {Bucket: "b", Path: "db", Endpoint: "https://s3.filebase.com"},
		"s3://b.s3.fr-par.scw.cloud/db":                        {Bucket: "b", Path: "db", Region: "fr-par", Endpoint: "https://s3.fr-par.scw.cloud"},
		"s3://b.eu-central-1.linodeobjects.com/db":             {Bucket: "b", Path: "db", Region: "eu-central-1", Endpoint: "https://eu-central-1.linodeobjects.com"},
		"s3://b.br-x-1.storage.c-6.us-east-2.aws.neon.tech/db": {Bucket: "b", Path: "db", Region: "us-east-2", Endpoint: "https://br-x-1.storage.c-6.us-east-2.aws.neon.tech"},
		"s3://b.minio.internal:9000/db":                        {Bucket: "b", Path: "db", Endpoint: "http://minio.internal:9000"},
		"s3://b.minio:9000/db":                                 {Bucket: "b", Path: "db", Endpoint: "http://minio:9000"},
		"s3://my.b.127.0.0.1:9000/db":                          {Bucket: "my.b", Path: "db", Endpoint: "http://127.0.0.1:9000"},
		"s3://b.localhost/db":                                  {Bucket: "b", Path: "db", Endpoint: "http://localhost"},
		"s3://my.b.localhost:9000/db":                          {Bucket: "my.b", Path: "db", Endpoint: "http://localhost:9000"},
		"s3://b.127.0.0.1/db":                                  {Bucket: "b", Path: "db", Endpoint: "http://127.0.0.1"},
		"s3://arn:aws:s3:us-east-1:123456789012:accesspoint/n": {Bucket: "arn:aws:s3:us-east-1:123456789012:accesspoint/n", Region: "us-east-1"},
		"s3://arn:aws:s3:us-east-1:123456789012:accesspoint/n/a/b?storage-class=GLACIER": {
			Bucket: "arn:aws:s3:us-east-1:123456789012:accesspoint/n", Path: "a/b", Region: "us-east-1", StorageClass: "GLACIER"},
		"s3://b/db?endpoint=nyc3.digitaloceanspaces.com&region=nyc3": {Bucket: "b", Path: "db", Region: "nyc3", Endpoint: "https://nyc3.digitaloceanspaces.com"},
		"s3://b?endpoint=localhost:9000":                             {Bucket: "b", Endpoint: "http://localhost:9000"},
		"s3://b?endpoint=127.0.0.1:9000":                             {Bucket: "b", Endpoint: "http://127.0.0.1:9000"},
		"s3://b?endpoint=10.1.2.3":                                   {Bucket: "b", Endpoint: "http://10.1.2.3"},
		"s3://b?endpoint=[::1]:9000":                                 {Bucket: "b", Endpoint: "http://[::1]:9000"},
		"s3://b?endpoint=nas.local/s3":                               {Bucket: "b", Endpoint: "http://nas.local/s3"},
		"s3://b?endpoint=172.16.0.1:9000":                            {Bucket: "b", Endpoint: "http://172.16.0.1:9000"},
		"s3://b?endpoint=172.217.16.1":                               {Bucket: "b", Endpoint: "https://172.217.16.1"},
		"s3://b?endpoint=10.example.com":                             {Bucket: "b", Endpoint: "https://10.example.com"},
		"s3://b?endpoint=192.168.example.com":                        {Bucket: "b", Endpoint: "https://192.168.example.com"},
		"s3://b?endpoint=minio:9000":                                 {Bucket: "b", Endpoint: "https://minio:9000"},
		"s3://b?endpoint=http://minio:9000":                          {Bucket: "b", Endpoint: "http://minio:9000"},
	} {
		cfg, err := resolve(t, raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, cfg, raw)
	}
}

// What a URL does not say is not set: the environment may say it.
func TestPlaceSaysNoMore(t *testing.T) {
	for path, want := range map[string]bool{"": false, "/": false, "/db": true} {
		place, err := placeOf(settings.URL{HasAuthority: true, Host: "b", Path: path})
		require.NoError(t, err)
		_, set := place["path"]
		assert.Equal(t, want, set, path)
	}
	for host, want := range map[string]bool{"arn:aws:s3:us-east-1:1:accesspoint/n": true, "arn:aws:s3::1:accesspoint/n.mrap": false, "arn:x": false} {
		place := map[string]string{}
		require.NoError(t, splitHost(host, place))
		_, set := place["region"]
		assert.Equal(t, want, set, host)
	}
}

// A pattern's region is not empty, and what is around it is there.
func TestMatchHost(t *testing.T) {
	for _, tt := range []struct {
		host, pattern string
		exact         bool
		region        string
		ok            bool
	}{
		{"br-x.y", "br-{region}.y", true, "x", true}, {"br-.y", "br-{region}.y", true, "", false}, {"x.y", "br-{region}.y", true, "", false},
		{"xa.y", "{region}a.y", true, "x", true}, {"xb.y", "{region}a.y", true, "", false}, {"a.y", "{region}a.y", true, "", false},
		{"b.x.y", "{region}.y", true, "", false}, {"b.x.y", "{region}.y", false, "x", true}, {"y", "{region}.y", false, "", false}, {"x.y", "", true, "", true},
	} {
		region, ok := matchHost(tt.host, tt.pattern, tt.exact)
		assert.Equal(t, tt.ok, ok, tt)
		assert.Equal(t, tt.region, region, tt)
	}
	for _, host := range []string{":9000", "b:", "b.x:"} {
		assert.ErrorIs(t, splitHost(host, map[string]string{}), errPlace, host)
	}
}

// Whatever way a path is written, its keys are the same (defect 31).
func TestPathsAreClean(t *testing.T) {
	for raw, want := range map[string]string{"s3://b": "", "s3://b/": "", "s3://b/foo/": "foo/", "s3://b//foo": "foo/", "s3://b/./foo": "foo/"} {
		cfg, err := resolve(t, raw)
		require.NoError(t, err)
		keys, err := backend.KeysAt(cfg.Layout, cfg.Path)
		require.NoError(t, err)
		assert.Equal(t, want, keys.Prefix(), raw)
	}
}

func TestURLsWithoutBucket(t *testing.T) {
	for _, raw := range []string{
		"s3:", "s3:b", "s3://", "s3:///path", "s3://?bucket=b", "s3://127.0.0.1:9000/b/p", "s3://127.0.0.1/b", "s3://localhost:9000/b/p",
		"s3://localhost/b", "s3://minio:9000/b", "s3://[::1]:9000/b", "s3://s3.amazonaws.com/b", "s3://s3.eu-west-1.amazonaws.com/b",
		"s3://nyc3.digitaloceanspaces.com/b", "s3://s3.filebase.com/b", "s3://.minio:9000/b", "s3://b.minio.x:/p",
	} {
		_, err := resolve(t, raw)
		assert.ErrorContains(t, err, "has no bucket", raw)
	}
}

// Every bucket of a host is one that Config takes, or an error.
func TestOddHosts(t *testing.T) {
	for _, raw := range []string{"s3://b ucket/p", "s3://b%20/p", "s3://" + strings.Repeat("b", 300), "s3://arn:aws:s3", "s3://arn:aws:s3:r:1:bucket/x/y", `s3://b\c`} {
		_, err := resolve(t, raw)
		assert.Error(t, err, raw)
	}
}
