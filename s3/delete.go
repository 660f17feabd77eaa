package s3

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(b.cfg.Bucket), Key: aws.String(key)})
	return err
}

// DeleteBatch implements object.Batcher with one DeleteObjects. It asks the service
// to list the deleted keys, because a response without them may come from a proxy.
func (b *bucket) DeleteBatch(ctx context.Context, keys []string) (map[string]error, error) {
	in := &s3.DeleteObjectsInput{Bucket: aws.String(b.cfg.Bucket), Delete: &types.Delete{}}
	for _, key := range keys {
		in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: aws.String(key)})
	}
	out, err := b.api.DeleteObjects(ctx, in, b.digests)
	if err != nil {
		return nil, err
	}
	results := make(map[string]error, len(keys))
	for _, deleted := range out.Deleted {
		results[aws.ToString(deleted.Key)] = nil
	}
	for _, e := range out.Errors {
		key, answer := aws.ToString(e.Key), &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)}
		if !slices.Contains(keys, key) {
			return nil, fmt.Errorf("server failed to delete %q, which was not requested: %w", key, answer)
		}
		results[key] = answer
	}
	return results, nil
}

// digests sets the checksum of a list of keys. The SDK always sends a CRC, but not a
// Content-MD5, which older services require. S3 rejects a list with neither, so that
// the CRC is kept without Content-MD5, except for services that support neither.
func (b *bucket) digests(o *s3.Options) {
	sum := b.cfg.ContentMD5 == MD5Always || b.cfg.ContentMD5 == MD5Auto && !b.provider.noDeleteMD5
	if sum {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddContentChecksumMiddleware)
	}
	if noCRC := b.provider.noChecksum || b.cfg.ChecksumAlgorithm == checksumNone; noCRC && sum || b.provider.noChecksum && b.provider.noDeleteMD5 {
		o.APIOptions = append(o.APIOptions, withoutCRC)
	}
}

func withoutCRC(stack *middleware.Stack) error {
	_, err := stack.Finalize.Remove("AWSChecksum:ComputeInputPayloadChecksum")
	return err
}
