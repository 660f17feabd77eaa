package gcs

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// bucket implements object.Bucket, object.Streamer and object.Retractor.
type bucket struct {
	cfg    Config // with its defaults filled in
	handle *storage.BucketHandle
	http   *http.Client // cancels failed uploads; nil with a Config.Client
	log    *oplog.Logger
}

// newHash returns the hash that the service computes for every object.
func newHash() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// object returns the handle of a key, with the customer-supplied encryption key
// if there is one.
func (b *bucket) object(key string) *storage.ObjectHandle {
	o := b.handle.Object(key)
	if len(b.cfg.SSECustomerKey) > 0 {
		o = o.Key(b.cfg.SSECustomerKey)
	}
	return o
}

// described returns the object that attrs describes.
func described(attrs *storage.ObjectAttrs) object.Object {
	o := listed(attrs)
	o.Sum = binary.BigEndian.AppendUint32(nil, attrs.CRC32C)
	return o
}

// listed is described for a listing, which does not contain checksums.
func listed(attrs *storage.ObjectAttrs) object.Object {
	return object.Object{
		Key:      attrs.Name,
		Size:     attrs.Size,
		Version:  versionOf(attrs.Generation),
		Modified: attrs.Created,
		Metadata: attrs.Metadata,
	}
}

func versionOf(generation int64) string {
	if generation <= 0 {
		return ""
	}
	return strconv.FormatInt(generation, 10)
}

// atVersion makes a request fail for any other version of the object.
func atVersion(o *storage.ObjectHandle, version string) (*storage.ObjectHandle, error) {
	if version == "" {
		return o, nil
	}
	generation, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return nil, err
	}
	return o.If(storage.Conditions{GenerationMatch: generation}), nil
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	o, err := atVersion(b.object(key), opts.Version)
	if err != nil {
		return object.Content{}, err
	}
	length := opts.Size
	if length == 0 {
		length = -1 // to the end: 0 would ask for nothing
	}
	body, err := o.NewRangeReader((&exchange{single: true}).context(ctx), opts.Offset, length)
	if err != nil {
		return object.Content{}, b.confirm(ctx, key, err)
	}
	attrs := body.Attrs
	if attrs.StartOffset != opts.Offset {
		body.Close()
		return object.Content{}, fmt.Errorf("service returned the range from %d: want it to start at %d", attrs.StartOffset, opts.Offset)
	}
	if attrs.Generation <= 0 && b.cfg.Client != nil {
		body.Close()
		return object.Content{}, transport.Foreign("response without a generation, which resuming would need")
	}
	content := object.Content{
		Object: object.Object{Key: key, Size: attrs.Size, Version: versionOf(attrs.Generation), Modified: attrs.LastModified},
		Body:   body,
		Offset: opts.Offset,
		Length: -1,
	}
	if b.cfg.Client != nil {
		// The library itself requests the rest of a body. If the object is missing by
		// then, its error is the same as for a 404 of a proxy.
		content.Body = rangeio.WrapErrors(body, func(err error) error { return b.confirm(ctx, key, err) })
	}
	if attrs.Size >= 0 {
		content.Length = body.Remain()
	}
	if attrs.CRC32C != 0 { // not set for a part of an object
		content.Sum = binary.BigEndian.AppendUint32(nil, attrs.CRC32C)
	}
	return content, nil
}

// confirm returns the error of an object that could not be read. A 404 that does
// not say what is missing may come from a proxy, and the XML API never says it.
// In these cases, confirm sends one more request, whose response does.
func (b *bucket) confirm(ctx context.Context, key string, failure error) error {
	missing := statusOf(failure) == http.StatusNotFound || errors.Is(failure, storage.ErrObjectNotExist)
	if !missing || saidMissing(opRead, failure) != nil {
		return failure
	}
	if _, err := b.attrs(ctx, key); err != nil {
		return err
	}
	return transport.Foreign("404 for an existing object: %s", failure)
}

// attrs requests the description of an object.
func (b *bucket) attrs(ctx context.Context, key string) (*storage.ObjectAttrs, error) {
	attrs, err := b.object(key).Attrs(ctx)
	if err == nil && attrs.Name != key {
		return nil, transport.Foreign("response describes %s: want %q", excerpt(attrs.Name, &b.log.Secrets), key)
	}
	return attrs, err
}

// Head implements object.Bucket.
func (b *bucket) Head(ctx context.Context, key, _ string) (object.Object, error) {
	attrs, err := b.attrs(ctx, key)
	if err != nil {
		return object.Object{}, err
	}
	return described(attrs), nil
}

// List implements object.Bucket.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	query := &storage.Query{Prefix: opts.Prefix, StartOffset: opts.StartAt, Delimiter: "/", Projection: storage.ProjectionNoACL}
	fields := []string{"Name"}
	if opts.Metadata {
		fields = append(fields, "Size", "Created", "Metadata")
	}
	if err := query.SetAttrSelection(fields); err != nil {
		return object.Page{}, err
	}
	// After an empty page, the library itself requests the next one.
	it := b.handle.Objects((&exchange{pages: new(flow.Pages)}).context(ctx), query)
	info := it.PageInfo()
	info.MaxSize, info.Token = opts.Limit, opts.Token
	for first := true; first || info.Remaining() > 0; first = false {
		attrs, err := it.Next()
		if err == iterator.Done {
			return page, nil
		}
		if err != nil {
			return object.Page{}, &callError{opList, err}
		}
		if name := cmp.Or(attrs.Prefix, attrs.Name); name == "" || !strings.HasPrefix(name, opts.Prefix) {
			return object.Page{}, transport.Foreign("listing of %q contains %s", opts.Prefix, excerpt(name, &b.log.Secrets))
		}
		if attrs.Prefix != "" {
			page.Prefixes = append(page.Prefixes, attrs.Prefix)
			continue
		}
		o := listed(attrs)
		o.Size = cmp.Or(o.Size, -1) // one that is missing is 0 for the library, as that of a file of which nothing was written
		page.Objects = append(page.Objects, o)
	}
	page.Next = info.Token
	return page, nil
}

// Delete implements object.Bucket. It does not need the customer-supplied key.
func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := b.handle.Object(key).Delete(ctx); err != nil {
		return &callError{opDelete, err}
	}
	return nil
}

// DeleteVersion implements object.Retractor.
func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	o, err := atVersion(b.object(key), version)
	if err == nil {
		err = o.Delete(ctx)
	}
	return err
}
