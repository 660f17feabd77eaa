package oss

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"hash/crc64"
	"net/http"
	"strconv"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// bucket is an object.Bucket with object.Batcher and object.Multipart.
type bucket struct {
	*transport.Service
	cfg Config // with its defaults filled in
	api *oss.Client
}

// newHash returns the hash that the service computes of an object.
func newHash() hash.Hash { return crc64.New(crc64.MakeTable(crc64.ECMA)) }

// sumOf returns that hash from a response, or nil if it has none.
func sumOf(text *string) []byte {
	n, err := strconv.ParseUint(oss.ToString(text), 10, 64)
	if err != nil {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, n)
}

// md5Of returns the Content-MD5 of a body, which the service verifies.
func md5Of(body *object.Body) (*string, error) {
	sum, err := body.Sum(md5.New())
	return oss.Ptr(base64.StdEncoding.EncodeToString(sum)), err
}

// forbid returns the header that makes a write fail if the object exists (clause W6).
func forbid(opts object.PutOptions) *string {
	if !opts.IfAbsent {
		return nil
	}
	return oss.Ptr("true")
}

// Put implements object.Bucket with one PutObject.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	sum, err := md5Of(body)
	if err != nil {
		return object.Object{}, err
	}
	out, err := b.api.PutObject(ctx, &oss.PutObjectRequest{
		Bucket: &b.cfg.Bucket, Key: &key, Body: body, ContentLength: oss.Ptr(body.Size()), ContentMD5: sum, ContentType: oss.Ptr(contentType),
		ForbidOverwrite: forbid(opts), Metadata: opts.Metadata, StorageClass: oss.StorageClassType(b.cfg.StorageClass),
		ServerSideEncryption: transport.Optional(b.cfg.SSE), ServerSideEncryptionKeyId: transport.Optional(b.cfg.KMSKeyID),
	})
	if err != nil {
		return object.Object{}, err
	}
	return written(key, out.ETag, body.Size(), out.HashCRC64, out.Headers), nil
}

const contentType = "application/octet-stream"

// written returns the object that the response to a write describes.
func written(key string, etag *string, size int64, sum *string, header http.Header) object.Object {
	date, _ := http.ParseTime(header.Get("Date"))
	o := object.Written(key, oss.ToString(etag), size, date)
	o.Sum = sumOf(sum)
	return o
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	in := &oss.GetObjectRequest{Bucket: &b.cfg.Bucket, Key: &key, IfMatch: transport.Optional(opts.Version),
		Range: transport.Optional(rangeio.HTTPRange(opts.Offset, opts.Size))}
	if in.Range != nil {
		in.RangeBehavior = oss.Ptr("standard") // otherwise a range past the end returns the whole object
	}
	out, err := b.api.GetObject(ctx, in)
	if err != nil {
		return object.Content{}, err
	}
	content := object.Content{
		Object: object.Object{Key: key, Version: oss.ToString(out.ETag), Modified: oss.ToTime(out.LastModified), Metadata: out.Metadata, Sum: sumOf(out.HashCRC64)},
		Body:   out.Body,
		Length: length(out.ContentLength, out.Headers),
	}
	return transport.Ranged(content, oss.ToString(out.ContentRange), opts)
}

// length returns the Content-Length, or -1 if there is none: a proxy may send a body
// in chunks.
func length(n int64, header http.Header) int64 {
	if header.Get("Content-Length") == "" {
		return -1
	}
	return n
}

// Head implements object.Bucket.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	out, err := b.api.HeadObject(ctx, &oss.HeadObjectRequest{Bucket: &b.cfg.Bucket, Key: &key, IfMatch: transport.Optional(version)})
	if err != nil {
		return object.Object{}, err
	}
	return object.Object{Key: key, Size: length(out.ContentLength, out.Headers), Version: oss.ToString(out.ETag), Modified: oss.ToTime(out.LastModified),
		Metadata: out.Metadata, Sum: sumOf(out.HashCRC64)}, nil
}

// List implements object.Bucket.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	out, err := b.api.ListObjectsV2(ctx, &oss.ListObjectsV2Request{
		Bucket: &b.cfg.Bucket, Prefix: transport.Optional(opts.Prefix), Delimiter: oss.Ptr("/"), StartAfter: transport.Optional(opts.StartAt),
		ContinuationToken: transport.Optional(opts.Token), MaxKeys: int32(opts.Limit),
	})
	if err != nil {
		return object.Page{}, err
	}
	page.Objects = make([]object.Object, 0, len(out.Contents))
	for _, item := range out.Contents {
		// The SDK returns 0 for an empty file and for a missing size: -1 means unknown.
		page.Objects = append(page.Objects, object.Object{Key: oss.ToString(item.Key), Size: cmp.Or(item.Size, -1), Modified: oss.ToTime(item.LastModified).UTC().Truncate(time.Millisecond)})
	}
	for _, prefix := range out.CommonPrefixes {
		page.Prefixes = append(page.Prefixes, oss.ToString(prefix.Prefix))
	}
	page.Next = oss.ToString(out.NextContinuationToken)
	if out.IsTruncated != (page.Next != "") { // also false if the response lacks it
		return object.Page{}, transport.Foreign("listing with IsTruncated %t and the token %q", out.IsTruncated, page.Next)
	}
	return page, transport.CheckListing(b.cfg.Bucket, opts.Prefix, oss.ToString(out.Name), oss.ToString(out.Prefix), page)
}

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	_, err := b.api.DeleteObject(ctx, &oss.DeleteObjectRequest{Bucket: &b.cfg.Bucket, Key: &key})
	return err
}

// DeleteBatch implements object.Batcher. The response names the deleted keys; one
// without names may come from a proxy.
func (b *bucket) DeleteBatch(ctx context.Context, keys []string) (map[string]error, error) {
	in := &oss.DeleteMultipleObjectsRequest{Bucket: &b.cfg.Bucket, Delete: &oss.Delete{}}
	for _, key := range keys {
		in.Delete.Objects = append(in.Delete.Objects, oss.ObjectIdentifier{Key: oss.Ptr(key)})
	}
	out, err := b.api.DeleteMultipleObjects(ctx, in)
	if err != nil {
		return nil, err
	}
	gone := make(map[string]error, len(keys))
	for _, deleted := range out.DeletedObjects {
		gone[oss.ToString(deleted.Key)] = nil
	}
	return gone, nil
}
