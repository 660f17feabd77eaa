package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	if err := b.cfg.validateWrites(); err != nil {
		return object.Object{}, err
	}
	in := &s3.PutObjectInput{
		Bucket:            aws.String(b.cfg.Bucket),
		Key:               aws.String(key),
		Body:              body,
		ContentLength:     aws.Int64(body.Size()),
		Metadata:          opts.Metadata,
		StorageClass:      types.StorageClass(b.cfg.StorageClass),
		ChecksumAlgorithm: b.checksum(),
		IfNoneMatch:       condition(opts),
		Tagging:           tagging(b.cfg.Tags),
	}
	var err error
	if in.ContentMD5, err = b.contentMD5(body); err != nil {
		return object.Object{}, err
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = b.cfg.customerKey()
	in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext = b.encryption()
	out, err := b.api.PutObject(ctx, in)
	if err != nil {
		return object.Object{}, err
	}
	return acknowledged(key, out.ETag, body.Size(), out.ResultMetadata), nil
}

// acknowledged returns what an answer tells of an object that was written.
// Without an ETag it may be a proxy's.
func acknowledged(key string, etag *string, size int64, answer middleware.Metadata) object.Object {
	at, _ := awsmiddleware.GetServerTime(answer) // its Date
	o := object.Written(key, aws.ToString(etag), size, at)
	o.Version = strong(etag)
	return o
}

// condition refuses to replace an object (clause W6).
func condition(opts object.PutOptions) *string {
	if opts.IfAbsent {
		return aws.String("*")
	}
	return nil
}

// checksum returns the algorithm by which the service verifies what it gets;
// empty where it takes none.
func (b *bucket) checksum() types.ChecksumAlgorithm {
	if b.provider.noChecksum || b.cfg.ChecksumAlgorithm == checksumNone {
		return ""
	}
	return types.ChecksumAlgorithm(strings.ToUpper(b.cfg.ChecksumAlgorithm))
}

// contentMD5 reads a body once to sum it.
func (b *bucket) contentMD5(body *object.Body) (*string, error) {
	if b.cfg.ContentMD5 != MD5Always && b.cfg.ContentMD5 != MD5Bodies {
		return nil, nil
	}
	sum, err := body.Sum(md5.New())
	return aws.String(base64.StdEncoding.EncodeToString(sum)), err
}

// encryption returns what is asked of the service: its own key, or one of KMS.
func (b *bucket) encryption() (sse types.ServerSideEncryption, keyID, kmsContext *string) {
	sse, keyID = types.ServerSideEncryption(b.cfg.SSE), transport.Optional(b.cfg.KMSKeyID)
	if len(b.cfg.KMSContext) > 0 {
		text, err := json.Marshal(b.cfg.KMSContext)
		if err != nil {
			panic("s3: a map of strings is always JSON: " + err.Error())
		}
		kmsContext = aws.String(base64.StdEncoding.EncodeToString(text))
	}
	return sse, keyID, kmsContext
}

// tagging returns the tags as a query, as the header wants them.
func tagging(tags map[string]string) *string {
	values := make(url.Values, len(tags))
	for name, value := range tags {
		values.Set(name, value)
	}
	return transport.Optional(values.Encode())
}
