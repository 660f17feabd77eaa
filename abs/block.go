package abs

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// CreateUpload implements object.Multipart. It sends nothing: the service stores
// all uncommitted blocks of a blob together. The ID tells those of an upload from
// others.
func (b *bucket) CreateUpload(_ context.Context, key string, _ object.PutOptions) (object.Upload, error) {
	return object.Upload{Key: key, ID: rand.Text()}, nil
}

// blockID returns the name of a block. All blocks of a blob must have names of one
// length, with those that another program left: Azure's library, and therefore
// Litestream, uses 64 bytes.
func blockID(upload object.Upload, number int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%-59s%05d", upload.ID, number))
}

// PutPart implements object.Multipart. It sends one Put Block with its MD5. The
// part's Value is when the service received it.
func (b *bucket) PutPart(ctx context.Context, upload object.Upload, number int, body *object.Body) (object.Part, error) {
	sum, err := body.Sum(md5.New())
	if err != nil {
		return object.Part{}, err
	}
	out, err := b.container.NewBlockBlobClient(upload.Key).StageBlock(ctx, blockID(upload, number), streaming.NopCloser(body), &blockblob.StageBlockOptions{
		TransactionalValidation: blob.TransferValidationTypeMD5(sum),
		CPKInfo:                 b.key,
		CPKScopeInfo:            b.scope,
	})
	return object.Part{Number: number, Size: body.Size(), Value: transport.Value(out.Date)}, err
}

// CompleteUpload implements object.Multipart. It sends one Put Block List, which
// may be repeated.
func (b *bucket) CompleteUpload(ctx context.Context, upload object.Upload, parts []object.Part, opts object.PutOptions) (object.Object, error) {
	ids, size := make([]string, len(parts)), int64(0)
	for i, part := range parts {
		ids[i] = blockID(upload, part.Number)
		size += part.Size
	}
	out, err := b.container.NewBlockBlobClient(upload.Key).CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{
		Metadata:         toMetadata(opts.Metadata),
		Tier:             b.tier,
		HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: to.Ptr(contentType), BlobContentMD5: opts.Sum},
		CPKInfo:          b.key,
		CPKScopeInfo:     b.scope,
		AccessConditions: conditions("", opts.IfAbsent),
	})
	switch {
	case b.Kind(err) == object.ErrNoUpload && !opts.IfAbsent:
		return b.replaced(ctx, upload, parts, size, err)
	case err != nil:
		return object.Object{}, err
	}
	return object.Written(upload.Key, string(transport.Value(out.ETag)), size, transport.Value(out.LastModified)), nil
}

// replaced returns the result of an upload whose blocks are gone. If another write
// of the name was committed since the first block was received, that discarded the
// blocks, and counts as having come later and replaced this one. An empty blob is no
// such write: AbortUpload creates it to discard the blocks of a failed one.
func (b *bucket) replaced(ctx context.Context, upload object.Upload, parts []object.Part, size int64, gone error) (object.Object, error) {
	first := slices.MinFunc(parts, func(a, b object.Part) int { return a.Value.(time.Time).Compare(b.Value.(time.Time)) })
	now, err := b.Head(ctx, upload.Key, "")
	if err != nil || now.Size <= 0 || now.Modified.Before(first.Value.(time.Time)) {
		return object.Object{}, gone
	}
	return object.Object{Key: upload.Key, Size: size, Modified: now.Modified}, nil
}

// AbortUpload implements object.Multipart. Whether Delete Blob discards blocks is
// not documented, and it could delete another writer's file. Instead, an empty list
// of blocks is committed if no blob has that name, and the empty blob is deleted by
// its ETag. An existing blob is not touched; its next write or deletion discards the
// blocks. (After an empty Put Blob, Azurite would treat the blocks as a blob.)
func (b *bucket) AbortUpload(ctx context.Context, upload object.Upload) error {
	out, err := b.container.NewBlockBlobClient(upload.Key).CommitBlockList(ctx, nil, &blockblob.CommitBlockListOptions{AccessConditions: conditions("", true)})
	if err == nil {
		err = b.DeleteVersion(ctx, upload.Key, string(transport.Value(out.ETag)))
	}
	switch b.Kind(err) {
	case object.ErrPrecondition, fs.ErrNotExist:
		return nil
	}
	return err
}

func (b *bucket) UploadRemains(ctx context.Context, upload object.Upload) (bool, error) {
	found, _, err := b.ListUploads(ctx, upload.Key, "")
	return slices.ContainsFunc(found, func(u object.Upload) bool { return u.Key == upload.Key }), err
}

// ListUploads implements object.Multipart. The service lists a blob that was never
// committed as an empty blob. AbortUpload does not need the ID, which is unknown.
func (b *bucket) ListUploads(ctx context.Context, prefix, token string) (uploads []object.Upload, next string, err error) {
	out, err := b.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
		Include:        container.ListBlobsInclude{UncommittedBlobs: true},
		Prefix:         transport.Optional(prefix),
		Marker:         transport.Optional(token),
		ResponseFormat: container.StorageResponseFormatXML,
	}).NextPage(ctx)
	if err == nil {
		err = b.check(out.ContainerName, out.Prefix, out.NextMarker, prefix, object.Page{})
	}
	if err != nil {
		return nil, "", err
	}
	for _, item := range transport.Value(out.Segment).BlobItems {
		if item.Properties != nil && transport.Value(item.Properties.ContentLength) == 0 {
			uploads = append(uploads, object.Upload{Key: transport.Value(item.Name), ID: "unknown"})
		}
	}
	return uploads, transport.Value(out.NextMarker), nil
}
