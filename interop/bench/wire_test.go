package bench_test

import (
	"context"
	"fmt"
	"io"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// ranger is a bare store that can be asked for a range: what there is of n bytes from
// offset.
type ranger interface {
	open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error)
}

func (c s3Calls) open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	span := rangeio.HTTPRange(offset, n)
	out, err := c.api.GetObject(ctx, &awss3.GetObjectInput{Bucket: &c.bucket, Key: &key, Range: &span})
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

func (c gcsCalls) open(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	return c.bucket.Object(key).NewRangeReader(ctx, offset, n)
}

// download reads a file of that size by as many connections as a restore has by default,
// each of which gets as many bytes by one request, and throws the bytes away: what
// the connections and the server can give, decoder and disk left out.
func download(ctx context.Context, from ranger, key string, size int64) error {
	group, ctx := errgroup.WithContext(ctx)
	share := (size + rangeio.DefaultPoolRequests - 1) / rangeio.DefaultPoolRequests
	for offset := int64(0); offset < size; offset += share {
		group.Go(func() error {
			n := min(share, size-offset)
			body, err := from.open(ctx, key, offset, n)
			if err != nil {
				return err
			}
			defer body.Close()
			got, err := io.Copy(io.Discard, body)
			if err == nil && got != n {
				err = fmt.Errorf("got %d bytes from %d: want %d", got, offset, n)
			}
			return err
		})
	}
	return group.Wait()
}
