package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/benbjohnson/litestream"
	litestreams3 "github.com/benbjohnson/litestream/s3"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// TestURLsMeanTheSame: Litestream's URLs name the same place for both sides.
func TestURLsMeanTheSame(t *testing.T) {
	t.Setenv("LITESTREAM_S3_ENDPOINT", "")
	for _, raw := range []string{
		"s3://bucket/db",
		"s3://my.bucket.com/a%20b/db",
		"s3://bucket.s3.amazonaws.com/db",
		"s3://my.bucket.s3.eu-west-3.amazonaws.com/db",
		"s3://bucket.nyc3.digitaloceanspaces.com/db",
		"s3://bucket.s3.us-west-002.backblazeb2.com/db",
		"s3://bucket.s3.filebase.com/db",
		"s3://bucket.s3.fr-par.scw.cloud/db",
		"s3://bucket.br-x-1.storage.c-6.us-east-2.aws.neon.tech/db",
		"s3://bucket.minio.internal:9000/db",
		"s3://arn:aws:s3:us-east-1:123456789012:accesspoint/name/key/db",
		"s3://bucket/db?endpoint=localhost:9000&region=eu",
		"s3://bucket/db?endpoint=https://nyc3.digitaloceanspaces.com&region=nyc3&forcePathStyle=false",
		"s3://bucket/db?endpoint=fly.storage.tigris.dev&region=auto",
		"s3://bucket/db?endpoint=192.168.1.2:9000",
	} {
		scheme, host, path, query, user, err := litestream.ParseReplicaURLWithQuery(raw)
		require.NoError(t, err, raw)
		theirs, err := litestreams3.NewReplicaClientFromURL(scheme, host, path, query, user)
		require.NoError(t, err, raw)
		c := theirs.(*litestreams3.ReplicaClient)
		ours, err := ltxstore.Open(t.Context(), raw)
		require.NoError(t, err, raw)
		require.Contains(t, fmt.Sprint(ours), fmt.Sprintf("Bucket:%q Path:%q ", c.Bucket, c.Path), raw)
		if c.Endpoint != "" && !strings.Contains(c.Endpoint, "://") {
			c.Endpoint = "https://" + c.Endpoint // what their client makes of it
		}
		requireField(t, ours, "Endpoint", c.Endpoint, raw)
		if c.Region != litestreams3.DefaultRegion { // which theirs takes where it knows none
			requireField(t, ours, "Region", c.Region, raw)
		}
	}
}

// requireField looks for a field in what a client prints, which leaves out what is empty.
func requireField(t *testing.T, client ltxstore.ReplicaClient, name, value, raw string) {
	t.Helper()
	if value == "" {
		require.NotContains(t, fmt.Sprint(client), " "+name+":", raw)
		return
	}
	require.Contains(t, fmt.Sprint(client), fmt.Sprintf(" %s:%q", name, value), raw)
}
