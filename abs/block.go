package abs

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"io/fs"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// CreateUpload implements object.Multipart. The service stores all uncommitted
// blocks of a blob together; an upload's ID tells its blocks from others.
// Unless the write is conditional, one request asks for the blob's version,
// which replaced compares.
func (b *bucket) CreateUpload(ctx context.Context, key string, opts object.PutOptions) (object.Upload, error) {
	upload := object.Upload{Key: key, ID: rand.Text()}
	if opts.IfAbsent {
		return upload, nil
	}
	now, err := b.Head(ctx, key, "")
	if err != nil && b.Kind(err) != fs.ErrNotExist {
		return object.Upload{}, err
	}
	upload.ID += now.Version
	return upload, nil
}

const idSize = 26 // of rand.Text

// blockID returns the name of a block. All blocks of a blob must have names of
// the same length, including those that another program left behind. Azure's
// library for Go uses 64 bytes, and therefore Litestream does.
func blockID(upload object.Upload, number int) string {
	var id [64]byte
	copy(id[:], upload.ID[:idSize]) // made by CreateUpload
	binary.BigEndian.PutUint32(id[idSize:], uint32(number))
	return base64.StdEncoding.EncodeToString(id[:])
}

// PutPart implements object.Multipart. It sends one Put Block with its MD5.
func (b *bucket) PutPart(ctx context.Context, upload object.Upload, number int, body *object.Body) (object.Part, error) {
	sum, err := body.Sum(md5.New())
	if err != nil {
		return object.Part{}, err
	}
	id := blockID(upload, number)
	_, err = b.container.NewBlockBlobClient(upload.Key).StageBlock(ctx, id, streaming.NopCloser(body), &blockblob.StageBlockOptions{
		TransactionalValidation: blob.TransferValidationTypeMD5(sum),
		CPKInfo:                 b.key,
		CPKScopeInfo:            b.scope,
	})
	return object.Part{Number: number, Size: body.Size(), Value: id}, err
}

// CompleteUpload implements object.Multipart. It sends one Put Block List, which
// may be repeated.
func (b *bucket) CompleteUpload(ctx context.Context, upload object.Upload, parts []object.Part, opts object.PutOptions) (object.Object, error) {
	ids, size := make([]string, len(parts)), int64(0)
	for i, part := range parts {
		ids[i] = part.Value.(string)
		size += part.Size
	}
	out, err := b.container.NewBlockBlobClient(upload.Key).CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{
		Metadata:         toMetadata(opts.Metadata),
		Tier:             b.tier,
		HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: to.Ptr(contentType), BlobContentMD5: opts.Sum},
		CPKInfo:          b.key,
		CPKScopeInfo:     b.scope,
		AccessConditions: absent(opts.IfAbsent),
	})
	switch {
	case bloberror.HasCode(err, bloberror.InvalidBlockList) && !opts.IfAbsent:
		return b.replaced(ctx, upload, size, err)
	case err != nil:
		return object.Object{}, err
	}
	return written(upload.Key, out.ETag, out.LastModified, size), nil
}

// replaced returns the result of an upload whose blocks are gone. If another
// write of the same name was committed in the meantime, it discarded the
// blocks, and counts as having come later and replaced this one. An empty blob
// is no such write: AbortUpload creates it to discard the blocks of a failed one.
func (b *bucket) replaced(ctx context.Context, upload object.Upload, size int64, gone error) (object.Object, error) {
	now, err := b.Head(ctx, upload.Key, "")
	if err != nil || now.Size == 0 || now.Version == upload.ID[idSize:] {
		return object.Object{}, gone
	}
	return object.Object{Key: upload.Key, Size: size, Modified: now.Modified}, nil
}

// AbortUpload implements object.Multipart. The documentation does not state
// whether Delete Blob removes a blob that was never committed, reports differ,
// and without a condition it could remove another writer's file. Instead, an
// empty list of blocks is committed if no blob has that name, which discards
// the blocks, and the empty blob is then deleted by its ETag. An existing blob
// is not touched; its next write or deletion discards the blocks. (An empty Put
// Blob would work too, but Azurite then treats the blocks as a blob.)
func (b *bucket) AbortUpload(ctx context.Context, upload object.Upload) error {
	client := b.container.NewBlockBlobClient(upload.Key)
	out, err := client.CommitBlockList(ctx, nil, &blockblob.CommitBlockListOptions{
		AccessConditions: absent(true),
	})
	if err == nil {
		err = b.DeleteVersion(ctx, upload.Key, string(transport.Value(out.ETag)))
	}
	switch b.Kind(err) {
	case object.ErrPrecondition, fs.ErrNotExist:
		return nil
	}
	return err
}

// UploadRemains implements object.Multipart.
func (b *bucket) UploadRemains(ctx context.Context, upload object.Upload) (bool, error) {
	found, _, err := b.ListUploads(ctx, upload.Key, "")
	return slices.ContainsFunc(found, func(u object.Upload) bool { return u.Key == upload.Key }), err
}

// uncommitted is the ID of an upload if only its name is known.
const uncommitted = "uncommitted"

// ListUploads implements object.Multipart. The service lists a blob that was
// never committed as an empty blob.
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
			uploads = append(uploads, object.Upload{Key: transport.Value(item.Name), ID: uncommitted})
		}
	}
	return uploads, transport.Value(out.NextMarker), nil
}
