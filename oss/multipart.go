package oss

import (
	"context"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// The SDK's Uploader is not used: it makes three requests for the smallest body,
// and does not abort an upload that is canceled.

// CreateUpload implements object.Multipart. A condition is checked by
// CompleteUpload.
func (b *bucket) CreateUpload(ctx context.Context, key string, opts object.PutOptions) (object.Upload, error) {
	out, err := b.api.InitiateMultipartUpload(ctx, &oss.InitiateMultipartUploadRequest{
		Bucket: &b.cfg.Bucket, Key: &key, ContentType: oss.Ptr(contentType), Metadata: opts.Metadata,
		StorageClass: oss.StorageClassType(b.cfg.StorageClass), ServerSideEncryption: transport.Optional(b.cfg.SSE), ServerSideEncryptionKeyId: transport.Optional(b.cfg.KMSKeyID),
	})
	switch {
	case err != nil:
		return object.Upload{}, err
	case oss.ToString(out.UploadId) == "":
		return object.Upload{}, transport.Foreign("upload without an ID")
	}
	return object.Upload{Key: key, ID: *out.UploadId}, nil
}

// PutPart implements object.Multipart.
func (b *bucket) PutPart(ctx context.Context, upload object.Upload, number int, body *object.Body) (object.Part, error) {
	sum, err := md5Of(body)
	if err != nil {
		return object.Part{}, err
	}
	out, err := b.api.UploadPart(ctx, &oss.UploadPartRequest{
		Bucket: &b.cfg.Bucket, Key: &upload.Key, UploadId: &upload.ID, PartNumber: int32(number), Body: body,
		ContentLength: oss.Ptr(body.Size()), ContentMD5: sum,
	})
	if err != nil {
		return object.Part{}, err
	}
	return object.Part{Number: number, Size: body.Size(), Value: out.ETag}, nil
}

// CompleteUpload implements object.Multipart.
func (b *bucket) CompleteUpload(ctx context.Context, upload object.Upload, parts []object.Part, opts object.PutOptions) (object.Object, error) {
	list, size := &oss.CompleteMultipartUpload{}, int64(0)
	for _, part := range parts {
		list.Parts = append(list.Parts, oss.UploadPart{PartNumber: int32(part.Number), ETag: part.Value.(*string)})
		size += part.Size
	}
	out, err := b.api.CompleteMultipartUpload(ctx, &oss.CompleteMultipartUploadRequest{
		Bucket: &b.cfg.Bucket, Key: &upload.Key, UploadId: &upload.ID, ForbidOverwrite: forbid(opts), CompleteMultipartUpload: list,
	})
	switch {
	case err != nil:
		return object.Object{}, err
	case oss.ToString(out.ETag) == "": // an error may follow the status 200
		return object.Object{}, transport.Foreign("completed upload without an ETag")
	}
	return written(upload.Key, out.ETag, size, out.HashCRC64, out.Headers), nil
}

// AbortUpload implements object.Multipart.
func (b *bucket) AbortUpload(ctx context.Context, upload object.Upload) error {
	_, err := b.api.AbortMultipartUpload(ctx, &oss.AbortMultipartUploadRequest{Bucket: &b.cfg.Bucket, Key: &upload.Key, UploadId: &upload.ID})
	return err
}

// UploadRemains implements object.Multipart.
func (b *bucket) UploadRemains(ctx context.Context, upload object.Upload) (bool, error) {
	_, err := b.api.ListParts(ctx, &oss.ListPartsRequest{Bucket: &b.cfg.Bucket, Key: &upload.Key, UploadId: &upload.ID, MaxParts: 1})
	if b.Kind(err) == object.ErrNoUpload {
		return false, nil
	}
	return err == nil, err
}

// ListUploads implements object.Multipart. The token consists of the last
// upload's key and ID.
func (b *bucket) ListUploads(ctx context.Context, prefix, token string) (uploads []object.Upload, next string, err error) {
	key, id, _ := strings.Cut(token, "\x00")
	out, err := b.api.ListMultipartUploads(ctx, &oss.ListMultipartUploadsRequest{
		Bucket: &b.cfg.Bucket, Prefix: transport.Optional(prefix), KeyMarker: transport.Optional(key), UploadIdMarker: transport.Optional(id),
	})
	if err == nil {
		err = transport.CheckListing(b.cfg.Bucket, prefix, oss.ToString(out.Bucket), oss.ToString(out.Prefix), object.Page{})
	}
	if err != nil {
		return nil, "", err
	}
	for _, upload := range out.Uploads {
		uploads = append(uploads, object.Upload{Key: oss.ToString(upload.Key), ID: oss.ToString(upload.UploadId)})
	}
	if out.IsTruncated {
		next = oss.ToString(out.NextKeyMarker) + "\x00" + oss.ToString(out.NextUploadIdMarker)
	}
	return uploads, next, nil
}
