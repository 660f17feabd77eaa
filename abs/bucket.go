package abs

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"math"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// bucket is an object.Bucket, and all of its optional interfaces but Streamer.
type bucket struct {
	cfg       Config // with its defaults filled in
	container *container.Client
	secrets   *scrub.Secrets
}

// newHash returns the hash that the service keeps of a blob.
func newHash() hash.Hash { return md5.New() }

// customerKey returns the key that blobs are encrypted with, if any.
func (b *bucket) customerKey() *blob.CPKInfo {
	if len(b.cfg.CustomerKey) == 0 {
		return nil
	}
	sum := sha256.Sum256(b.cfg.CustomerKey)
	return &blob.CPKInfo{
		EncryptionAlgorithm: to.Ptr(blob.EncryptionAlgorithmTypeAES256),
		EncryptionKey:       to.Ptr(base64.StdEncoding.EncodeToString(b.cfg.CustomerKey)),
		EncryptionKeySHA256: to.Ptr(base64.StdEncoding.EncodeToString(sum[:])),
	}
}

func (b *bucket) scope() *blob.CPKScopeInfo {
	if b.cfg.EncryptionScope == "" {
		return nil
	}
	return &blob.CPKScopeInfo{EncryptionScope: &b.cfg.EncryptionScope}
}

func (b *bucket) tier() *blob.AccessTier {
	if b.cfg.AccessTier == "" {
		return nil
	}
	return to.Ptr(blob.AccessTier(b.cfg.AccessTier))
}

// atVersion makes a request fail for any other version of the blob.
func atVersion(version string) *blob.AccessConditions {
	if version == "" {
		return nil
	}
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: to.Ptr(azcore.ETag(version))}}
}

// absent makes a write fail if there is a blob (clause W6), where that is asked
// for.
func absent(asked bool) *blob.AccessConditions {
	if !asked {
		return nil
	}
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}}
}

// The service takes no hyphens in the names of metadata, and may answer in
// another case.
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

// value returns what p points to, the zero value for nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// orUnknown returns what n points to, -1 for nil.
func orUnknown(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

// sumOf returns a hash that is one of a whole blob, else nil.
func sumOf(sum []byte) []byte {
	if len(sum) != md5.Size {
		return nil
	}
	return sum
}

// Put implements object.Bucket: it is one Put Blob.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	out, err := b.container.NewBlockBlobClient(key).Upload(ctx, streaming.NopCloser(body), &blockblob.UploadOptions{
		Metadata:                toMetadata(opts.Metadata),
		Tier:                    b.tier(),
		TransactionalValidation: blob.TransferValidationTypeMD5(opts.Sum),
		HTTPHeaders:             &blob.HTTPHeaders{BlobContentType: to.Ptr(contentType), BlobContentMD5: opts.Sum},
		CPKInfo:                 b.customerKey(),
		CPKScopeInfo:            b.scope(),
		AccessConditions:        absent(opts.IfAbsent),
	})
	if err != nil {
		return object.Object{}, err
	}
	o := written(key, out.ETag, out.LastModified, body.Size())
	o.Sum = sumOf(out.ContentMD5)
	return o, nil
}

const contentType = "application/octet-stream"

// written returns what an answer tells of a blob that was written.
func written(key string, etag *azcore.ETag, modified *time.Time, size int64) object.Object {
	return object.Written(key, string(value(etag)), size, value(modified))
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	count := opts.Size
	if opts.Offset > math.MaxInt64-count {
		count = 0 // to the end
	}
	out, err := b.container.NewBlobClient(key).DownloadStream(ctx, &blob.DownloadStreamOptions{
		Range:            blob.HTTPRange{Offset: opts.Offset, Count: count},
		AccessConditions: atVersion(opts.Version),
		CPKInfo:          b.customerKey(),
	})
	if err != nil {
		return object.Content{}, err
	}
	span, atEnd := value(out.ContentRange), fmt.Sprintf("bytes %d-%d/%d", opts.Offset, opts.Offset-1, opts.Offset)
	if span == atEnd { // an emulator's answer to a range at the end
		out.Body.Close()
		return object.Content{}, object.ErrRange
	}
	content := object.Content{
		Object: object.Object{Key: key, Version: string(value(out.ETag)), Modified: value(out.LastModified), Metadata: fromMetadata(out.Metadata), Sum: sumOf(out.ContentMD5)},
		Body:   out.Body,
		Length: orUnknown(out.ContentLength),
	}
	if span != "" {
		content.Sum = sumOf(out.BlobContentMD5)
	}
	return content.Ranged(span, opts)
}

// Head implements object.Bucket: it is one Get Blob Properties. Its 404 has the
// service's code in a header, which a proxy's does not.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	out, err := b.container.NewBlobClient(key).GetProperties(ctx, &blob.GetPropertiesOptions{
		AccessConditions: atVersion(version), CPKInfo: b.customerKey(),
	})
	if err != nil {
		return object.Object{}, err
	}
	if out.ContentLength == nil {
		return object.Object{}, transport.Foreign("properties without Content-Length")
	}
	return object.Object{
		Key: key, Size: *out.ContentLength, Version: string(value(out.ETag)),
		Modified: value(out.LastModified), Metadata: fromMetadata(out.Metadata), Sum: sumOf(out.ContentMD5),
	}, nil
}

// List implements object.Bucket. A service older than startFrom ignores it,
// which object.Client notices: it skips what lies before.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	in := &container.ListBlobsHierarchyOptions{
		Include:        container.ListBlobsInclude{Metadata: opts.Metadata},
		Prefix:         text(opts.Prefix),
		Marker:         text(opts.Token),
		StartFrom:      text(opts.StartAt),
		ResponseFormat: container.StorageResponseFormatXML,
	}
	if opts.Limit > 0 {
		in.MaxResults = to.Ptr(int32(opts.Limit))
	}
	out, err := b.container.NewListBlobsHierarchyPager("/", in).NextPage(ctx)
	if err != nil {
		return object.Page{}, err
	}
	if err := b.checkListing(out.ContainerName, out.Prefix, opts.Prefix); err != nil {
		return object.Page{}, err
	}
	page.Next = value(out.NextMarker)
	if out.Segment == nil {
		return page, nil
	}
	for _, item := range out.Segment.BlobItems {
		if item.Properties == nil || !strings.HasPrefix(value(item.Name), opts.Prefix) {
			return object.Page{}, transport.Foreign("a listing of %q that has %q", opts.Prefix, value(item.Name))
		}
		page.Objects = append(page.Objects, object.Object{Key: *item.Name, Size: orUnknown(item.Properties.ContentLength),
			Modified: value(item.Properties.LastModified), Metadata: fromMetadata(item.Metadata)})
	}
	for _, prefix := range out.Segment.BlobPrefixes {
		page.Prefixes = append(page.Prefixes, value(prefix.Name))
	}
	return page, nil
}

// checkListing returns an error unless a listing is of what was asked for.
func (b *bucket) checkListing(name, prefix *string, want string) error {
	switch {
	case value(name) != b.cfg.Bucket && !strings.HasSuffix(value(name), "/"+b.cfg.Bucket):
		return transport.Foreign("a listing of the container %q", value(name))
	case value(prefix) != want:
		return transport.Foreign("a listing of %q: want one of %q", value(prefix), want)
	}
	return nil
}

// text returns nil for the empty string.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
