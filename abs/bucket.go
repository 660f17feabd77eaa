package abs

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"path"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// bucket implements object.Bucket and all of its optional interfaces except
// Streamer.
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

func newBucket(cfg Config, secrets *scrub.Secrets) *bucket {
	b := &bucket{Service: service(), name: cfg.Bucket,
		scope: &blob.CPKScopeInfo{EncryptionScope: transport.Optional(cfg.EncryptionScope)},
		tier:  transport.Optional(blob.AccessTier(cfg.AccessTier))}
	b.Place, b.Secrets = fmt.Sprintf("container %q at %s", cfg.Bucket, cfg.Endpoint), secrets
	if len(cfg.CustomerKey) > 0 {
		sum := sha256.Sum256(cfg.CustomerKey)
		b.key = &blob.CPKInfo{
			EncryptionAlgorithm: to.Ptr(blob.EncryptionAlgorithmTypeAES256),
			EncryptionKey:       to.Ptr(base64.StdEncoding.EncodeToString(cfg.CustomerKey)),
			EncryptionKeySHA256: to.Ptr(base64.StdEncoding.EncodeToString(sum[:])),
		}
	}
	return b
}

// atVersion makes a request fail for any other version of the blob, unless
// version is empty.
func atVersion(version string) *blob.AccessConditions {
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: transport.Optional(azcore.ETag(version))}}
}

// absent, if asked, makes a write fail if the blob exists (clause W6).
func absent(asked bool) *blob.AccessConditions {
	c := &blob.ModifiedAccessConditions{}
	if asked {
		c.IfNoneMatch = to.Ptr(azcore.ETagAny)
	}
	return &blob.AccessConditions{ModifiedAccessConditions: c}
}

// The service allows no hyphens in the names of metadata, and may return them in
// a different case.
const timestampKey, timestampName = "litestream-timestamp", "litestreamtimestamp"

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
		if name = strings.ToLower(name); name == timestampName {
			name = timestampKey
		}
		if value != nil {
			m[name] = *value
		}
	}
	return m
}

// sumOf returns sum if it is an MD5, and nil otherwise.
func sumOf(sum []byte) []byte {
	if len(sum) != md5.Size {
		return nil
	}
	return sum
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
		AccessConditions:        absent(opts.IfAbsent),
	})
	if err != nil {
		return object.Object{}, err
	}
	o := object.Written(key, string(transport.Value(out.ETag)), body.Size(), transport.Value(out.LastModified))
	o.Sum = sumOf(out.ContentMD5)
	return o, nil
}

const contentType = "application/octet-stream"

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	count := opts.Size
	if opts.Offset > math.MaxInt64-count {
		count = 0 // to the end
	}
	var answer *http.Response
	out, err := b.container.NewBlobClient(key).DownloadStream(policy.WithCaptureResponse(ctx, &answer), &blob.DownloadStreamOptions{
		Range:            blob.HTTPRange{Offset: opts.Offset, Count: count},
		AccessConditions: atVersion(opts.Version),
		CPKInfo:          b.key,
	})
	if err != nil {
		return object.Content{}, err
	}
	span := transport.Value(out.ContentRange)
	content := object.Content{
		Object: object.Object{Key: key, Version: string(transport.Value(out.ETag)), Modified: transport.Value(out.LastModified), Metadata: fromMetadata(out.Metadata), Sum: sumOf(out.ContentMD5)},
		Body:   out.Body,
		Length: transport.OrUnknown(out.ContentLength),
	}
	if span != "" {
		content.Sum = sumOf(out.BlobContentMD5)
	}
	return transport.Ranged(content, answer.StatusCode, span, opts)
}

// Head implements object.Bucket. It sends one Get Blob Properties. A 404 of the
// service has its code in a header, which that of a proxy lacks.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	out, err := b.container.NewBlobClient(key).GetProperties(ctx, &blob.GetPropertiesOptions{
		AccessConditions: atVersion(version), CPKInfo: b.key,
	})
	if err != nil {
		return object.Object{}, err
	}
	if out.ContentLength == nil {
		return object.Object{}, transport.Foreign("properties without Content-Length")
	}
	return object.Object{
		Key: key, Size: *out.ContentLength, Version: string(transport.Value(out.ETag)),
		Modified: transport.Value(out.LastModified), Metadata: fromMetadata(out.Metadata), Sum: sumOf(out.ContentMD5),
	}, nil
}

// List implements object.Bucket. Services that do not know startFrom ignore it,
// and object.Client then skips the names before it.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	in := &container.ListBlobsHierarchyOptions{
		Include:        container.ListBlobsInclude{Metadata: opts.Metadata},
		Prefix:         transport.Optional(opts.Prefix),
		Marker:         transport.Optional(opts.Token),
		StartFrom:      transport.Optional(opts.StartAt),
		ResponseFormat: container.StorageResponseFormatXML,
	}
	if opts.Limit > 0 {
		in.MaxResults = to.Ptr(int32(opts.Limit))
	}
	out, err := b.container.NewListBlobsHierarchyPager("/", in).NextPage(ctx)
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

// check calls transport.CheckListing. The service may name the container by its
// URL. The marker of the last page is empty, and not missing.
func (b *bucket) check(name, prefix, marker *string, want string, page object.Page) error {
	if marker == nil {
		return transport.Foreign("a listing without NextMarker")
	}
	return transport.CheckListing(b.name, want, path.Base(transport.Value(name)), transport.Value(prefix), page)
}

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error { return b.DeleteVersion(ctx, key, "") }

// DeleteVersion implements object.Retractor.
func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	_, err := b.container.NewBlobClient(key).Delete(ctx, &blob.DeleteOptions{AccessConditions: atVersion(version)})
	return err
}

// DeleteBatch implements object.Batcher. It sends one Blob Batch. The SDK panics if
// the response contains a deletion that is not in the batch, and if it cannot parse
// a response, its error contains the whole of it.
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
	switch {
	case err == nil, ctx.Err() != nil, errors.As(err, new(*azcore.ResponseError)), ltxstore.IsRetryable(err):
	default:
		err = transport.Foreign("%.1000s", b.Secrets.Text(err.Error()))
	}
	if err != nil {
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
