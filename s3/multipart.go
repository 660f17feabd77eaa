package s3

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// The SDK's transfer manager is not used: its parts do not grow, its buffers are not
// pooled, and it cannot resolve a conditional completion whose response is lost.

// CreateUpload implements object.Multipart.
func (b *bucket) CreateUpload(ctx context.Context, key string, opts object.PutOptions) (object.Upload, error) {
	if err := b.cfg.validateWrites(); err != nil {
		return object.Upload{}, err
	}
	in := &s3.CreateMultipartUploadInput{
		Bucket:            aws.String(b.cfg.Bucket),
		Key:               aws.String(key),
		Metadata:          opts.Metadata,
		StorageClass:      types.StorageClass(b.cfg.StorageClass),
		ChecksumAlgorithm: b.checksum(),
		Tagging:           tagging(b.cfg.Tags),
	}
	if in.ChecksumAlgorithm == types.ChecksumAlgorithmCrc64nvme {
		in.ChecksumType = types.ChecksumTypeFullObject // the only type of this algorithm
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = b.cfg.customerKey()
	in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext = b.encryption()
	out, err := b.api.CreateMultipartUpload(ctx, in)
	if err != nil {
		return object.Upload{}, err
	}
	if aws.ToString(out.UploadId) == "" {
		return object.Upload{}, errors.New("service responded to CreateMultipartUpload without an upload ID")
	}
	return object.Upload{Key: key, ID: *out.UploadId}, nil
}

// PutPart implements object.Multipart.
func (b *bucket) PutPart(ctx context.Context, upload object.Upload, number int, body *object.Body) (object.Part, error) {
	in := &s3.UploadPartInput{
		Bucket:            aws.String(b.cfg.Bucket),
		Key:               aws.String(upload.Key),
		UploadId:          aws.String(upload.ID),
		PartNumber:        aws.Int32(int32(number)),
		Body:              body,
		ContentLength:     aws.Int64(body.Size()),
		ChecksumAlgorithm: b.checksum(),
	}
	var err error
	if in.ContentMD5, err = b.contentMD5(body); err != nil {
		return object.Part{}, err
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = b.cfg.customerKey()
	out, err := b.api.UploadPart(ctx, in)
	if err != nil {
		return object.Part{}, err
	}
	done := types.CompletedPart{PartNumber: in.PartNumber, ETag: out.ETag}
	if in.ChecksumAlgorithm != "" {
		// Some services reject checksums of parts unless CreateMultipartUpload had the
		// algorithm.
		done.ChecksumCRC32, done.ChecksumCRC32C = out.ChecksumCRC32, out.ChecksumCRC32C
		done.ChecksumCRC64NVME, done.ChecksumSHA256 = out.ChecksumCRC64NVME, out.ChecksumSHA256
	}
	return object.Part{Number: number, Size: body.Size(), Value: done}, nil
}

// CompleteUpload implements object.Multipart. The response begins with 200 before the
// upload is complete, so that it means nothing without a result.
func (b *bucket) CompleteUpload(ctx context.Context, upload object.Upload, parts []object.Part, opts object.PutOptions) (object.Object, error) {
	list, size := make([]types.CompletedPart, len(parts)), int64(0)
	for i, part := range parts {
		list[i] = part.Value.(types.CompletedPart)
		size += part.Size
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket:          aws.String(b.cfg.Bucket),
		Key:             aws.String(upload.Key),
		UploadId:        aws.String(upload.ID),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: list},
		IfNoneMatch:     condition(opts),
	}
	if b.checksum() == types.ChecksumAlgorithmCrc64nvme {
		in.ChecksumType = types.ChecksumTypeFullObject
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = b.cfg.customerKey()
	out, err := b.api.CompleteMultipartUpload(ctx, in)
	if err != nil {
		return object.Object{}, err
	}
	return acknowledged(upload.Key, out.ETag, size, out.ResultMetadata), nil
}

// AbortUpload implements object.Multipart.
func (b *bucket) AbortUpload(ctx context.Context, upload object.Upload) error {
	_, err := b.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: aws.String(b.cfg.Bucket), Key: aws.String(upload.Key), UploadId: aws.String(upload.ID)})
	return err
}

// UploadRemains implements object.Multipart.
func (b *bucket) UploadRemains(ctx context.Context, upload object.Upload) (bool, error) {
	in := &s3.ListPartsInput{Bucket: aws.String(b.cfg.Bucket), Key: aws.String(upload.Key), UploadId: aws.String(upload.ID), MaxParts: aws.Int32(1)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = b.cfg.customerKey()
	_, err := b.api.ListParts(ctx, in)
	if err == nil {
		return true, nil
	}
	switch kind := kindOf(err); {
	case errors.Is(kind, object.ErrNoUpload), errors.Is(kind, fs.ErrNotExist), errors.Is(kind, fs.ErrPermission), errors.Is(kind, errors.ErrUnsupported):
		return false, nil // gone, or not permitted
	}
	return false, err
}

// ListUploads implements object.Multipart. The token consists of the last key and ID.
func (b *bucket) ListUploads(ctx context.Context, prefix, token string) (uploads []object.Upload, next string, err error) {
	fromKey, fromID, _ := strings.Cut(token, "\x00")
	out, err := b.api.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
		Bucket: aws.String(b.cfg.Bucket), EncodingType: types.EncodingTypeUrl, Prefix: transport.Optional(prefix),
		KeyMarker: transport.Optional(fromKey), UploadIdMarker: transport.Optional(fromID),
	})
	if errors.Is(kindOf(err), object.ErrNoUpload) { // rclone's server, if there are none
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	for _, u := range out.Uploads {
		uploads = append(uploads, object.Upload{Key: decodeKey(u.Key, out.EncodingType), ID: aws.ToString(u.UploadId)})
	}
	key := decodeKey(out.NextKeyMarker, out.EncodingType)
	switch {
	case out.IsTruncated == nil && key != "":
		return nil, "", errors.New("server returned a list of uploads without IsTruncated, which may be incomplete")
	case !aws.ToBool(out.IsTruncated):
		return uploads, "", nil
	case key == "":
		return nil, "", errors.New("server returned a truncated list of uploads without a marker to continue at")
	}
	return uploads, key + "\x00" + aws.ToString(out.NextUploadIdMarker), nil
}
