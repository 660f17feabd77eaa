package bench_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/interop/servers"
)

// others is the name of the contestant that is neither ours nor Litestream's, and no bare call: a
// client of S3 that many programs use.
const others = "minio-go"

// newMinIO returns the upload of minio-go's client, with its defaults. A size of -1 is not known.
func newMinIO(tb testing.TB, server *servers.Server, url, bucket string) func(ctx context.Context, key string, body io.Reader, size int64) error {
	client, err := minio.New(strings.TrimPrefix(url, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, ""), Region: server.Region, BucketLookup: minio.BucketLookupPath,
	})
	require.NoError(tb, err)
	return func(ctx context.Context, key string, body io.Reader, size int64) error {
		_, err := client.PutObject(ctx, bucket, key, body, size, minio.PutObjectOptions{UserMetadata: plainMetadata})
		return err
	}
}
