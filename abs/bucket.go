package abs

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// bucket implements object.Bucket, object.Batcher, object.Multipart and
// object.Retractor.
type bucket struct {
	*transport.Service
	name      string // the container's
	container *container.Client

	// The encryption, sent with each request for a blob, and the access tier,
	// sent with each write.
	key   *blob.CPKInfo
	scope *blob.CPKScopeInfo
	tier  *blob.AccessTier
}

// conditions make a request fail if the blob has another version, unless that is
// empty, or with absent, if there is a blob (clause W6).
func conditions(version string, absent bool) *blob.AccessConditions {
	c := &blob.ModifiedAccessConditions{IfMatch: transport.Optional(azcore.ETag(version))}
	if absent {
		c.IfNoneMatch = to.Ptr(azcore.ETagAny)
	}
	return &blob.AccessConditions{ModifiedAccessConditions: c}
}

// toMetadata drops the hyphens, which the service does not allow in names.
func toMetadata(metadata map[string]string) map[string]*string {
	m := make(map[string]*string, len(metadata))
	for name, value := range metadata {
		m[strings.ReplaceAll(name, "-", "")] = &value
	}
	return m
}

func fromMetadata(metadata map[string]*string) map[string]string {
	m := make(map[string]string, len(metadata))
	for name, value := range metadata {
		m[name] = transport.Value(value)
	}
	return m
}

// Put implements object.Bucket. It sends one Put Blob.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	out, err := b.container.NewBlockBlobClient(key).Upload(ctx, streaming.NopCloser(body), &blockblob.UploadOptions{
		Metadata:                toMetadata(opts.Metadata),
		Tier:                    b.tier,
		TransactionalValidation: blob.TransferValidationTypeMD5(opts.Sum),
		HTTPHeaders:             &blob.HTTPHeaders{BlobContentType: to.Ptr(contentType), BlobContentMD5: opts.Sum},
		CPKInfo:                 b.key,
		CPKScopeInfo:            b.scope,
		AccessConditions:        conditions("", opts.IfAbsent),
	})
	if err != nil {
		return object.Object{}, err
	}
	o := object.Written(key, string(transport.Value(out.ETag)), body.Size(), transport.Value(out.LastModified))
	o.Sum = out.ContentMD5
	return o, nil
}

const contentType = "application/octet-stream"

func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	out, err := b.container.NewBlobClient(key).DownloadStream(ctx, &blob.DownloadStreamOptions{
		Range:            blob.HTTPRange{Offset: opts.Offset, Count: opts.Size},
		AccessConditions: conditions(opts.Version, false),
		CPKInfo:          b.key,
	})
	if err != nil {
		return object.Content{}, err
	}
	content := object.Content{
		Object: object.Object{Key: key, Version: string(transport.Value(out.ETag)), Modified: transport.Value(out.LastModified), Metadata: fromMetadata(out.Metadata), Sum: out.ContentMD5},
		Body:   out.Body,
		Length: transport.OrUnknown(out.ContentLength),
	}
	if out.ContentRange != nil {
		content.Sum = out.BlobContentMD5
	}
	return transport.Ranged(content, transport.Value(out.ContentRange), opts)
}

// Head implements object.Bucket. It sends one Get Blob Properties. A 404 of the
// service has its code in a header, which that of a proxy lacks.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	out, err := b.container.NewBlobClient(key).GetProperties(ctx, &blob.GetPropertiesOptions{
		AccessConditions: conditions(version, false), CPKInfo: b.key,
	})
	if err != nil {
		return object.Object{}, err
	}
	return object.Object{
		Key: key, Size: transport.OrUnknown(out.ContentLength), Version: string(transport.Value(out.ETag)),
		Modified: transport.Value(out.LastModified), Metadata: fromMetadata(out.Metadata), Sum: out.ContentMD5,
	}, nil
}

// List implements object.Bucket. Services that do not know startFrom ignore it,
// and object.Client then skips the names before it.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	out, err := b.container.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{
		Include:        container.ListBlobsInclude{Metadata: opts.Metadata},
		Prefix:         transport.Optional(opts.Prefix),
		Marker:         transport.Optional(opts.Token),
		StartFrom:      transport.Optional(opts.StartAt),
		MaxResults:     transport.Optional(int32(opts.Limit)),
		ResponseFormat: container.StorageResponseFormatXML,
	}).NextPage(ctx)
	if err != nil {
		return object.Page{}, err
	}
	segment := transport.Value(out.Segment)
	page = object.Page{Next: transport.Value(out.NextMarker), Objects: make([]object.Object, 0, len(segment.BlobItems))}
	for _, item := range segment.BlobItems {
		properties := transport.Value(item.Properties)
		page.Objects = append(page.Objects, object.Object{Key: transport.Value(item.Name), Size: transport.OrUnknown(properties.ContentLength),
			Modified: transport.Value(properties.LastModified), Metadata: fromMetadata(item.Metadata)})
	}
	for _, prefix := range segment.BlobPrefixes {
		page.Prefixes = append(page.Prefixes, transport.Value(prefix.Name))
	}
	return page, b.check(out.ContainerName, out.Prefix, out.NextMarker, opts.Prefix, page)
}

// check calls transport.CheckListing. The marker of the last page is empty, and not
// missing.
func (b *bucket) check(name, prefix, marker *string, want string, page object.Page) error {
	if marker == nil {
		return transport.Foreign("a listing without NextMarker")
	}
	return transport.CheckListing(b.name, want, transport.Value(name), transport.Value(prefix), page)
}

func (b *bucket) Delete(ctx context.Context, key string) error { return b.DeleteVersion(ctx, key, "") }

func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	_, err := b.container.NewBlobClient(key).Delete(ctx, &blob.DeleteOptions{AccessConditions: conditions(version, false)})
	return err
}

// DeleteBatch implements object.Batcher. It sends one Blob Batch. The SDK panics if
// the response contains a deletion that is not in the batch.
func (b *bucket) DeleteBatch(ctx context.Context, keys []string) (results map[string]error, err error) {
	defer func() {
		if wrong := recover(); wrong != nil {
			err = transport.Foreign("response to another batch: %v", wrong)
		}
	}()
	batch, err := b.container.NewBatchBuilder()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if err := batch.Delete(key, nil); err != nil {
			return nil, err
		}
	}
	out, err := b.container.SubmitBatch(ctx, batch, nil)
	if err != nil {
		if ctx.Err() == nil && answerOf(err) == nil && !ltxstore.IsRetryable(err) {
			err = transport.Foreign("%v", err) // the SDK cannot parse the response
		}
		return nil, err
	}
	results = make(map[string]error, len(keys))
	for _, item := range out.Responses {
		if item.ContentID != nil {
			results[keys[*item.ContentID]] = item.Error
		}
	}
	return results, nil
}
