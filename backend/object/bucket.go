package object

import (
	"context"
	"io"
	"iter"
	"time"
)

// Bucket is the driver of an object store; each method is one request. All methods
// must be safe for concurrent use, return soon after their context has ended, and
// send their request once: Client repeats requests.
//
// Errors may be those of a service's SDK; Classify tells what they mean.
type Bucket interface {
	// Put stores an object, whole or not at all, replacing one of the same
	// key unless opts says otherwise. The body may be rewound and read again
	// before the request is sent, for a checksum.
	//
	// The Object has the properties in the response. A Size of -1 means that
	// the response does not identify the object and may come from a proxy:
	// Client then calls Head.
	Put(ctx context.Context, key string, body *Body, opts PutOptions) (Object, error)

	// Get opens an object, or a range of it. The context ends with the body,
	// not with Get. The response may contain another range than requested, as
	// stated in Content.
	Get(ctx context.Context, key string, opts GetOptions) (Content, error)

	// Head returns an object's properties. If version is not empty and the
	// object has another, Head fails with ErrPrecondition, or returns that
	// object. A response that may come from a proxy (a 404 without details)
	// must be confirmed before the object is reported as missing. A Size of -1
	// means that the response may come from a proxy: Client then repeats the
	// request.
	Head(ctx context.Context, key, version string) (Object, error)

	// List returns a page of the objects directly below a prefix.
	List(ctx context.Context, opts ListOptions) (Page, error)

	// Delete deletes an object. If there is none, it returns nil or
	// fs.ErrNotExist.
	Delete(ctx context.Context, key string) error

	// Classify returns the meaning of an error. It is called with errors of the
	// methods above, of the optional interfaces, and of a body's Read, often
	// wrapped, but never with nil or an error that Client has made.
	Classify(err error) Failure
}

// Object describes an object.
type Object struct {
	Key string

	// Size is in bytes, or -1 if unknown.
	Size int64

	// Version identifies the content, such as a strong ETag or a generation: two
	// reads of the same version return bytes of the same object. If it is
	// empty, reads cannot be pinned to a version and are not resumed.
	Version string

	// Modified is when the object was stored, by the store's clock, or zero if
	// unknown.
	Modified time.Time

	// Metadata is that of PutOptions.Metadata, or nil if unknown.
	Metadata map[string]string

	// Sum is the hash of the content by Traits.NewHash, or nil if unknown.
	Sum []byte
}

// Written returns the Object for the response to a write. A response without a
// version may come from a proxy: see Bucket.Put.
func Written(key, version string, size int64, modified time.Time) Object {
	if version == "" {
		size = -1
	}
	return Object{Key: key, Size: size, Version: version, Modified: modified}
}

// PutOptions are the conditions and properties of an object that is written.
type PutOptions struct {
	// IfAbsent makes Put fail with ErrPrecondition if the object exists.
	IfAbsent bool

	// Metadata is stored with the object. Names consist of lower-case letters and
	// hyphens. If the store does not allow hyphens, the Bucket drops them.
	Metadata map[string]string

	// Sum is the body's hash by Traits.NewHash. It is nil if the store has none,
	// or the body is a stream or an upload that has not been read completely.
	Sum []byte
}

// GetOptions select what to read of an object.
type GetOptions struct {
	// Offset and Size are the range in bytes; a Size of 0 is to the end. Both
	// are 0 or more, and so is their sum.
	Offset, Size int64

	// Version, if not empty, is the version to read: if the object has another,
	// the error is ErrPrecondition.
	Version string
}

// Content is an open body, and the range that it contains.
type Content struct {
	Object

	// Body returns bytes of the object from Offset on. Client closes it. It may
	// be shorter or longer than requested.
	Body io.ReadCloser

	// Offset is where Body starts: the requested offset, or 0 if the store
	// ignores ranges.
	Offset int64

	// Length is the length of Body according to the response, or -1 if unknown.
	Length int64
}

// ListOptions select what to list.
type ListOptions struct {
	// Prefix is empty or ends with a slash. Objects with more slashes must be
	// listed as one prefix for each next segment.
	Prefix string

	// StartAt is where the listing starts. It does not matter whether the key
	// itself is included, because it is not that of a file. Empty means the
	// beginning.
	StartAt string

	// Token continues a listing: it is Page.Next of the previous page. Prefix
	// and StartAt are then as in the first call.
	Token string

	// Limit is the maximum number of entries in a page; 0 means that of the
	// store.
	Limit int

	// Metadata requests the times and metadata of the objects, if the store's
	// listing has them. Otherwise, keys suffice.
	Metadata bool
}

// Page is a part of a listing.
type Page struct {
	Objects []Object

	// Prefixes are the deeper prefixes, each with a slash at the end.
	Prefixes []string

	// Next is the token of the next page, or empty if this is the last.
	Next string
}

// Describer is a Bucket that improves the text of errors.
type Describer interface {
	// Describe returns err with a text for people: what is wrong, how to fix it,
	// and where. The result must match the same errors with errors.Is and
	// errors.As. It is called with the errors of Classify, and errors that wrap
	// them.
	Describe(err error) error
}

// Batcher is a Bucket that deletes several objects in one request.
type Batcher interface {
	// DeleteBatch deletes at most Traits.DeleteBatch objects. The results have an
	// entry for each key in the response: nil, or fs.ErrNotExist, if the object
	// is gone. Client deletes the other keys individually, because a response
	// without them may come from a proxy. err is the failure of the whole
	// request. If it is of kind errors.ErrUnsupported, Client deletes only one
	// key per request from then on.
	DeleteBatch(ctx context.Context, keys []string) (results map[string]error, err error)
}

// Multipart is a Bucket that assembles a large object from parts, which are sent
// concurrently and are not visible before CompleteUpload.
type Multipart interface {
	// CreateUpload begins an upload.
	CreateUpload(ctx context.Context, key string, opts PutOptions) (Upload, error)

	// PutPart sends a part, numbered from 1. The result is for CompleteUpload.
	PutPart(ctx context.Context, upload Upload, number int, body *Body) (Part, error)

	// CompleteUpload creates the object from all parts, in order. If
	// Traits.NewHash is set, opts.Sum is the hash of the whole if it is known,
	// which it is not if parts were read concurrently. If CreateUpload has
	// stored the metadata, only opts.IfAbsent is needed.
	CompleteUpload(ctx context.Context, upload Upload, parts []Part, opts PutOptions) (Object, error)

	// AbortUpload deletes an upload and its parts. If it no longer exists,
	// AbortUpload returns nil or ErrNoUpload.
	AbortUpload(ctx context.Context, upload Upload) error

	// UploadRemains reports whether an upload still exists after it was aborted:
	// a part that arrived late may have restored it.
	UploadRemains(ctx context.Context, upload Upload) (bool, error)

	// ListUploads returns a page of the unfinished uploads of keys below a
	// prefix, including those of other writers. It may return more.
	ListUploads(ctx context.Context, prefix, token string) (uploads []Upload, next string, err error)
}

// Upload is an unfinished upload.
type Upload struct{ Key, ID string }

// Part is what CompleteUpload needs to know about a part. Only the Bucket that
// created it uses its fields.
type Part struct {
	Number int
	Size   int64
	Value  any
}

// Streamer is a Bucket that stores a body of unknown length while reading it. It is
// used for bodies larger than Store.UploadThreshold if the Bucket has no Multipart.
type Streamer interface {
	// PutStream stores the body up to io.EOF as one object, whole or not at
	// all: if body fails or ctx ends, nothing is published. Unlike the other
	// methods, it repeats its requests itself, with retry, because only it can
	// send a part of the body again. If the store no longer knows the upload,
	// the error is ErrNoUpload: its last response may have been lost.
	PutStream(ctx context.Context, key string, body *Stream, opts PutOptions, retry Retrier) (Object, error)
}

// Retrier repeats a request according to the client's policy.
type Retrier interface {
	// Do calls op until it succeeds, fails permanently or has used up its
	// attempts, and returns its last error.
	Do(ctx context.Context, op func(context.Context) error) error
}

// Retractor is a Bucket that can delete one version of an object, and thereby undo a
// write that the store has damaged, without affecting a later one.
type Retractor interface {
	DeleteVersion(ctx context.Context, key, version string) error
}

// Watcher is a Bucket that reports objects as they are written: see Watch.
type Watcher interface {
	// Watch returns the objects that are written after it has returned, by any
	// client. The sequence ends with the error of ctx.
	Watch(ctx context.Context) (iter.Seq2[Object, error], error)
}

// Sweeper is a Bucket in which a killed writer may leave data that is neither listed
// nor an unfinished upload.
type Sweeper interface {
	// Leftovers returns the data of writes that were not completed, including
	// those in progress.
	Leftovers(ctx context.Context) ([]Leftover, error)

	// Discard removes a leftover, unless its write was completed in the meantime.
	Discard(ctx context.Context, upload Upload) error
}

// Leftover is the data that an incomplete write has sent so far.
type Leftover struct {
	Upload
	Since time.Time // when data was last sent, by the writer's clock
}
