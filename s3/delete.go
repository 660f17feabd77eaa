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

// DeleteBatch implements object.Batcher: it is one DeleteObjects. The service
// is asked to name what it has deleted, although the opposite would be shorter:
// an answer that says nothing may be a proxy's.
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
			return nil, fmt.Errorf("server failed to delete %q, which it was not asked to: %w", key, answer)
		}
		results[key] = answer
	}
	return results, nil
}

// digests sets by what the service verifies a list of keys. The SDK sends a
// CRC in any case, and no Content-MD5, which older services require. S3 refuses
// a list with neither: without Content-MD5 the CRC stays, but for a service
// that takes neither.
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
