package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	litestreams3 "github.com/benbjohnson/litestream/s3"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/s3"
)

// newS3 returns a maker of replicas on one server, behind one proxy.
func newS3(tb testing.TB, start func(testing.TB, bool) *servers.Server) func(testing.TB, string) *store {
	server := sync.OnceValue(func() *servers.Server { return start(tb, false) })
	proxy := sync.OnceValue(func() *wire { return startChild(tb, server().Endpoint) })
	return func(tb testing.TB, path string) *store {
		server, wire := server(), proxy()
		bucket := server.NewBucket(tb).Name
		keys, err := backend.NewKeys(ltxstore.LayoutLitestreamS3, path)
		require.NoError(tb, err)
		ours := s3.NewReplicaClient(s3.Config{
			Bucket: bucket, Path: path, Layout: ltxstore.LayoutLitestreamS3, Region: server.Region, Endpoint: wire.url,
			AccessKeyID: server.AccessKey, SecretAccessKey: server.SecretKey,
			Logger: silent(),
		})
		stock := litestreams3.NewReplicaClient()
		stock.Bucket, stock.Path, stock.Region, stock.Endpoint, stock.ForcePathStyle = bucket, path, server.Region, wire.url, true
		stock.AccessKeyID, stock.SecretAccessKey = server.AccessKey, server.SecretKey
		stock.SetLogger(silent())
		require.NoError(tb, stock.Init(tb.Context()))
		api := awss3.New(awss3.Options{
			BaseEndpoint: &wire.url, Region: server.Region, UsePathStyle: true,
			Credentials:                credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		})
		return &store{
			name: server.Name, wire: wire, keys: keys, ours: closing(tb, ours), stock: stock,
			bare: s3Calls{api, bucket}, fill: s3Calls{server.API(), bucket}, minio: newMinIO(tb, server, wire.url, bucket),
		}
	}
}

type s3Calls struct {
	api    *awss3.Client
	bucket string
}

// What a server does with metadata takes time of its own.
var plainMetadata = map[string]string{"litestream-timestamp": "2023-11-14T22:13:20Z", "min-txid": "1", "max-txid": "1", "level": "1"}

// errNoCall says that the plain calls have none for that.
var errNoCall = errors.New("no plain call does this")

func (c s3Calls) put(ctx context.Context, key string, body io.Reader, size int64) error {
	if size < 0 {
		return errNoCall // PutObject wants a length
	}
	_, err := c.api.PutObject(ctx, &awss3.PutObjectInput{Bucket: &c.bucket, Key: &key, Body: body, Metadata: plainMetadata})
	return err
}

func (c s3Calls) pages(ctx context.Context, prefix, seek string, do func([]types.Object) error) error {
	in := &awss3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: &prefix}
	if seek != "" {
		in.StartAfter = &seek
	}
	for pages := awss3.NewListObjectsV2Paginator(c.api, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := do(page.Contents); err != nil {
			return err
		}
	}
	return nil
}

func (c s3Calls) list(ctx context.Context, prefix, seek string) (n int, err error) {
	err = c.pages(ctx, prefix, seek, func(objects []types.Object) error {
		n += len(objects)
		return nil
	})
	return n, err
}

func (c s3Calls) head(ctx context.Context, key string) error {
	_, err := c.api.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &c.bucket, Key: &key})
	return err
}

func (c s3Calls) deleteAll(ctx context.Context, prefix string) error {
	return c.pages(ctx, prefix, "", func(objects []types.Object) error {
		if len(objects) == 0 {
			return nil
		}
		var ids []types.ObjectIdentifier
		for _, o := range objects {
			ids = append(ids, types.ObjectIdentifier{Key: o.Key})
		}
		out, err := c.api.DeleteObjects(ctx, &awss3.DeleteObjectsInput{Bucket: &c.bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
		if err == nil && len(out.Errors) > 0 {
			err = fmt.Errorf("%d objects are not deleted", len(out.Errors))
		}
		return err
	})
}
