package s3

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore/backend/object"
)

// batchSize is how many keys DeleteObjects takes.
const batchSize = 1000

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	_, err := b.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(b.cfg.Bucket), Key: aws.String(key)})
	return err
}

// DeleteBatch implements object.Batcher: it is one DeleteObjects. The service
// is asked to name what it has deleted, although the opposite would be shorter:
// an answer that says nothing may be a proxy's.
func (b *bucket) DeleteBatch(ctx context.Context, keys []string) ([]error, error) {
	in := &s3.DeleteObjectsInput{Bucket: aws.String(b.cfg.Bucket), Delete: &types.Delete{}}
	results, index := make([]error, len(keys)), make(map[string]int, len(keys))
	for i, key := range keys {
		in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: aws.String(key)})
		results[i], index[key] = object.ErrUnsure, i
	}
	out, err := b.api.DeleteObjects(ctx, in, b.digests)
	if err != nil {
		return nil, err
	}
	for _, deleted := range out.Deleted {
		if i, ok := index[aws.ToString(deleted.Key)]; ok {
			results[i] = nil
		}
	}
	for _, e := range out.Errors {
		answer := &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)}
		i, ok := index[aws.ToString(e.Key)]
		if !ok {
			return nil, fmt.Errorf("server failed to delete %q, which it was not asked to: %w", aws.ToString(e.Key), answer)
		}
		results[i] = answer
	}
	for i, key := range keys { // the same one twice
		results[i] = results[index[key]]
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
