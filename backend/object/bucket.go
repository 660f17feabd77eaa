package object

import (
	"context"
	"io"
	"iter"
	"time"
)

// Bucket is what an object store does, one request a method. All methods must
// be safe for concurrent use, return soon after their context has ended, and
// send their request once: Client repeats it where that may help.
//
// Errors may be the service SDK's own; Classify tells what they mean.
type Bucket interface {
	// Put stores an object, whole or not at all, replacing one of the same
	// key unless opts says otherwise. The body may be rewound and read again
	// before the request is sent, for a checksum.
	//
	// The Object returned has what the answer tells. A Size of -1 says that
	// the answer does not identify the object, as a proxy's would not: Client
	// then asks for it by Head.
	Put(ctx context.Context, key string, body *Body, opts PutOptions) (Object, error)

	// Get opens an object, or a range of it. The context ends with the body,
	// not with Get. The answer may hold another range than was asked for;
	// Content says which.
	Get(ctx context.Context, key string, opts GetOptions) (Content, error)

	// Head returns an object's properties; of the given version only, if it
	// is not empty: another is ErrPrecondition, or is returned as it is. An
	// answer that may be a proxy's (a bare 404) must be confirmed before it is
	// reported as a missing object.
	Head(ctx context.Context, key, version string) (Object, error)

	// List returns a page of the objects right below a prefix.
	List(ctx context.Context, opts ListOptions) (Page, error)

	// Delete deletes an object. One that is not there is success, or
	// fs.ErrNotExist.
	Delete(ctx context.Context, key string) error

	// Classify tells what a failure means. It is given every error of the
	// methods above, of the optional interfaces, and of a body's Read, often
	// wrapped; never nil, and never an error that Client itself has made.
	Classify(err error) Failure
}

// Object is what a store tells of an object.
type Object struct {
	Key string

	// Size is in bytes, -1 if the store does not tell.
	Size int64

	// Version identifies the content: two reads that name the same version
	// yield bytes of the same object. It is a strong ETag, or a generation.
	// Empty means that reads cannot be pinned, and are not resumed.
	Version string

	// Modified is when the object was stored, by the store's clock; zero if
	// the store does not tell.
	Modified time.Time

	// Metadata is what PutOptions.Metadata was, nil if not told.
	Metadata map[string]string

	// Sum is the hash of the content by Traits.NewHash, nil if not told.
	Sum []byte
}

// Written returns what an answer tells of an object that was written. Without a
// version the answer may be a proxy's: see Bucket.Put.
func Written(key, version string, size int64, modified time.Time) Object {
	if version == "" {
		size = -1
	}
	return Object{Key: key, Size: size, Version: version, Modified: modified}
}

// PutOptions are the conditions and properties of an object that is written.
type PutOptions struct {
	// IfAbsent refuses to replace an object, with ErrPrecondition.
	IfAbsent bool

	// Metadata is stored with the object. Names are of lower-case letters and
	// hyphens. A store that allows fewer characters translates them both
	// ways.
	Metadata map[string]string

	// Sum is the body's hash by Traits.NewHash; nil where the store has none,
	// and as long as a stream or an upload is not known to its end.
	Sum []byte
}

// GetOptions say what of an object to read.
type GetOptions struct {
	// Offset and Size are the range in bytes; a Size of 0 is to the end. Both
	// are 0 or more, and their sum may overflow: see rangeio.HTTPRange.
	Offset, Size int64

	// Version, if not empty, is the only version to read: another is
	// ErrPrecondition.
	Version string
}

// Content is an open body, and the range that it is.
type Content struct {
	Object

	// Body yields bytes of the object from Offset on. Client closes it. It may
	// end early, or go on for longer than was asked for.
	Body io.ReadCloser

	// Offset is where Body begins: the offset asked for, or 0 where the store
	// ignores ranges.
	Offset int64

	// Length is how many bytes the answer announces in Body, -1 if unknown.
	Length int64
}

// ListOptions say what to list.
type ListOptions struct {
	// Prefix is empty or ends with a slash. What lies deeper is to be listed
	// as one prefix for each next segment.
	Prefix string

	// StartAt asks for keys from this one on. Whether the key itself is
	// included does not matter: no file has it. Empty is from the beginning.
	StartAt string

	// Token continues a listing: Page.Next of the page before. Prefix and
	// StartAt are then as in the first call.
	Token string

	// Limit is how many entries a page may have; 0 is the store's maximum.
	Limit int

	// Metadata asks for the objects' times and metadata, as far as the store's
	// listing has them; else keys are enough.
	Metadata bool
}

// Page is a part of a listing.
type Page struct {
	Objects []Object

	// Prefixes are the deeper prefixes, each closed by a slash.
	Prefixes []string

	// Next is the token of the next page, empty with the last.
	Next string
}

// Describer is a Bucket whose errors can be said in better words.
type Describer interface {
	// Describe returns err with a text for people: what is wrong, how to mend
	// it, where that was. errors.Is and errors.As must see what they saw. It
	// is given what Classify is given, and errors that wrap such.
	Describe(err error) error
}

// Batcher is a Bucket that deletes several objects in one request.
type Batcher interface {
	// DeleteBatch deletes objects: Traits.DeleteBatch at most. The results have
	// an entry for each key that the answer mentions: nil, or fs.ErrNotExist, if
	// the object is gone. Client deletes others alone, since an answer that
	// mentions nothing may be a proxy's. err is the failure of the request as a
	// whole. If that is of kind errors.ErrUnsupported, Client deletes one key a
	// request from then on.
	DeleteBatch(ctx context.Context, keys []string) (results map[string]error, err error)
}

// Multipart is a Bucket that assembles a large object of parts, which are sent
// several at once and are not visible before CompleteUpload.
type Multipart interface {
	// CreateUpload begins an upload.
	CreateUpload(ctx context.Context, key string, opts PutOptions) (Upload, error)

	// PutPart sends a part, numbered from 1. The result is for CompleteUpload.
	PutPart(ctx context.Context, upload Upload, number int, body *Body) (Part, error)

	// CompleteUpload makes the object of all parts, in their order. Where
	// Traits.NewHash is set, opts.Sum is the hash of the whole if it is known:
	// not if the body was read at random. A store that has its metadata since
	// CreateUpload needs opts.IfAbsent alone.
	CompleteUpload(ctx context.Context, upload Upload, parts []Part, opts PutOptions) (Object, error)

	// AbortUpload forgets an upload and its parts. An upload that is not there
	// any more is success, or ErrNoUpload.
	AbortUpload(ctx context.Context, upload Upload) error

	// UploadRemains reports whether an upload is still there after it was
	// aborted: a part that arrived late may have brought it back.
	UploadRemains(ctx context.Context, upload Upload) (bool, error)

	// ListUploads returns a page of the unfinished uploads of keys below a
	// prefix, those of other writers included. A store may list more.
	ListUploads(ctx context.Context, prefix, token string) (uploads []Upload, next string, err error)
}

// Upload is an unfinished upload.
type Upload struct{ Key, ID string }

// Part is what CompleteUpload has to say of a part. Only the Bucket that made
// it looks into it.
type Part struct {
	Number int
	Size   int64
	Value  any
}

// Streamer is a Bucket that stores a body of unknown length, reading it as it
// sends it. It is used for bodies above Store.UploadThreshold where the
// store has no Multipart.
type Streamer interface {
	// PutStream stores what body yields up to io.EOF as one object, whole or
	// not at all: when body fails or ctx ends, nothing is published. Unlike
	// the other methods it repeats its requests itself, by retry, because
	// only it can send a part of the body again.
	// An upload that the store does not know any more is ErrNoUpload: its
	// last answer may have been lost.
	PutStream(ctx context.Context, key string, body *Stream, opts PutOptions, retry Retrier) (Object, error)
}

// Retrier repeats a request by the client's policy.
type Retrier interface {
	// Do calls op until it succeeds, fails for good or has been tried often
	// enough, and returns its last error.
	Do(ctx context.Context, op func(context.Context) error) error
}

// Retractor is a Bucket that can delete one version of an object, and so take
// back a write that the store has damaged without touching a later one.
type Retractor interface {
	DeleteVersion(ctx context.Context, key, version string) error
}

// Watcher is a Bucket that reports the objects that are written: see Watch.
type Watcher interface {
	// Watch returns the objects that are written from its return on, by any
	// client. The sequence ends with the error of ctx.
	Watch(ctx context.Context) (iter.Seq2[Object, error], error)
}

// Sweeper is a Bucket in which a writer that was killed leaves something that
// is neither listed nor an upload in parts.
type Sweeper interface {
	// Leftovers returns what is there of writes that have not been completed,
	// those under way included.
	Leftovers(ctx context.Context) ([]Leftover, error)

	// Discard removes a leftover, unless its write has been completed meanwhile.
	Discard(ctx context.Context, upload Upload) error
}

// Leftover is what a write that has not been completed has sent until now.
type Leftover struct {
	Upload
	Since time.Time // when it was sent last, by the writer's clock
}
