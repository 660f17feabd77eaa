package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// bucket is an object.Bucket, an object.Multipart and an object.Batcher.
type bucket struct {
	*transport.Service
	cfg      Config // with the defaults of Config and the provider
	provider provider
	api      *s3.Client
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(b.cfg.Bucket), Key: aws.String(key), IfMatch: transport.Optional(opts.Version)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = b.cfg.customerKey()
	var options []func(*s3.Options)
	if span := rangeio.HTTPRange(opts.Offset, opts.Size); span != "" {
		in.Range = aws.String(span)
		options = append(options, unvalidated)
	}
	out, err := b.api.GetObject(ctx, in, options...)
	if err != nil {
		return object.Content{}, err
	}
	content := object.Content{
		Object: object.Object{Key: key, Size: -1, Version: strong(out.ETag), Modified: aws.ToTime(out.LastModified), Metadata: out.Metadata},
		Body:   out.Body,
		Length: transport.OrUnknown(out.ContentLength),
	}
	return transport.Ranged(content, aws.ToString(out.ContentRange), opts)
}

// unvalidated prevents the SDK from verifying the checksum of a range: some services
// send that of the whole object.
func unvalidated(o *s3.Options) {
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// strong returns the ETag unless it is weak: If-Match never matches a weak one
// (RFC 9110, section 13.1.1).
func strong(etag *string) string {
	if s := aws.ToString(etag); !strings.HasPrefix(s, "W/") {
		return s
	}
	return ""
}

// Head implements object.Bucket with one request, and a GET of one byte if the
// object is missing.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	in := &s3.HeadObjectInput{Bucket: aws.String(b.cfg.Bucket), Key: aws.String(key), IfMatch: transport.Optional(version)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = b.cfg.customerKey()
	out, err := b.api.HeadObject(ctx, in)
	switch {
	case statusOf(err) == http.StatusNotFound:
		return b.confirm(ctx, key, version)
	case err != nil:
		return object.Object{}, err
	}
	return object.Object{Key: key, Size: transport.OrUnknown(out.ContentLength), Version: strong(out.ETag), Modified: aws.ToTime(out.LastModified), Metadata: out.Metadata}, nil
}

// confirm requests an object's first byte after a HEAD has reported it as missing.
// The response to a HEAD has no body, so that it cannot distinguish a missing file
// from a missing bucket or a proxy without a route.
func (b *bucket) confirm(ctx context.Context, key, version string) (object.Object, error) {
	content, err := b.Get(ctx, key, object.GetOptions{Size: 1, Version: version})
	switch {
	case errors.Is(kindOf(err), object.ErrRange): // the object exists and is empty
		if b.Classify(err).Size <= 0 {
			return object.Object{Key: key}, nil
		}
		return object.Object{}, err
	case err != nil:
		return object.Object{}, err
	}
	defer content.Body.Close()
	_, _ = io.CopyN(io.Discard, content.Body, 2) // so that the connection can be reused
	if content.Size <= 0 {
		return object.Object{}, fmt.Errorf("%w: server reported %s as missing, and then as existing", ltxstore.ErrUnavailable, key)
	}
	return content.Object, nil
}

// List implements object.Bucket.
//
// It asks for URL-encoded keys, because foreign keys may have characters that XML
// cannot represent. They are decoded only if the response says that they are encoded,
// because some services ignore the request.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (object.Page, error) {
	in := &s3.ListObjectsV2Input{
		Bucket:       aws.String(b.cfg.Bucket),
		Delimiter:    aws.String("/"),
		EncodingType: types.EncodingTypeUrl,

		Prefix:            transport.Optional(opts.Prefix),
		ContinuationToken: transport.Optional(opts.Token),
	}
	if opts.Token == "" {
		in.StartAfter = transport.Optional(opts.StartAt)
	}
	out, err := b.api.ListObjectsV2(ctx, in)
	if err != nil {
		return object.Page{}, err
	}
	page := object.Page{Objects: make([]object.Object, 0, len(out.Contents))}
	for _, found := range out.Contents {
		page.Objects = append(page.Objects, object.Object{
			Key: decodeKey(found.Key, out.EncodingType), Size: transport.OrUnknown(found.Size), Modified: aws.ToTime(found.LastModified)})
	}
	for _, common := range out.CommonPrefixes {
		page.Prefixes = append(page.Prefixes, decodeKey(common.Prefix, out.EncodingType))
	}
	token := aws.ToString(out.NextContinuationToken)
	full := len(page.Objects)+len(page.Prefixes) >= int(cmp.Or(aws.ToInt32(out.MaxKeys), maxPageSize))
	switch {
	case aws.ToBool(out.IsTruncated) && token == "":
		return object.Page{}, errors.New("server returned a truncated listing without a continuation token")
	case out.IsTruncated == nil && (token != "" || full):
		return object.Page{}, errors.New("server returned a listing without IsTruncated, which may be incomplete")
	case aws.ToBool(out.IsTruncated):
		page.Next = token
	}
	return page, nil
}

// decodeKey returns the key in a response. A key that cannot be decoded is foreign,
// and is returned unchanged.
func decodeKey(key *string, encoding types.EncodingType) string {
	raw := aws.ToString(key)
	if encoding != types.EncodingTypeUrl {
		return raw
	}
	decoded, err := url.QueryUnescape(raw)
	if err != nil {
		return raw
	}
	return decoded
}
