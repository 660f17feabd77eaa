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

// acknowledged returns the object that the response to a write describes. A response
// without an ETag may come from a proxy.
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

// checksum returns the algorithm with which the service verifies bodies, or the empty
// string if it supports none.
func (b *bucket) checksum() types.ChecksumAlgorithm {
	if b.provider.noChecksum || b.cfg.ChecksumAlgorithm == checksumNone {
		return ""
	}
	return types.ChecksumAlgorithm(strings.ToUpper(b.cfg.ChecksumAlgorithm))
}

// contentMD5 returns the MD5 of a body, which it reads once.
func (b *bucket) contentMD5(body *object.Body) (*string, error) {
	if b.cfg.ContentMD5 != MD5Always && b.cfg.ContentMD5 != MD5Bodies {
		return nil, nil
	}
	sum, err := body.Sum(md5.New())
	return aws.String(base64.StdEncoding.EncodeToString(sum)), err
}

// encryption returns the requested server-side encryption: SSE-S3 or KMS.
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

// tagging returns the tags in the form of the header, as a query.
func tagging(tags map[string]string) *string {
	values := make(url.Values, len(tags))
	for name, value := range tags {
		values.Set(name, value)
	}
	return transport.Optional(values.Encode())
}
