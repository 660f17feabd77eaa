package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/rangeio"
)

var (
	// errTorn makes a zero-byte object a missing file, as it is for LTXFiles.
	errTorn = fmt.Errorf("the object is empty, a torn upload: %w", fs.ErrNotExist)

	// errReplaced ends a read whose rest would be another file's.
	errReplaced = errors.New("the file was replaced while it was read")
)

// maxSkip is how much is read for nothing where the store ignores a range.
const maxSkip = 64 << 20

// version is what a store says of an object: two answers that say the same are
// of the same content.
type version struct {
	etag     string // strong, with its quotes; empty if the store gave none
	size     int64
	modified time.Time // zero if the store does not tell
}

// answer is an open body: what is left of the range that was asked for.
type answer struct {
	version
	body  io.ReadCloser
	whole bool // the store ignored the range: body goes on to the object's end
}

// get asks for offset and size of an object, and only of the version etag if
// that is not empty. It is one GET, and a HEAD where the answer does not tell
// the object's size. An answer that is not what was asked for is an error,
// except that a whole object in place of a range is cut to it. It may hold
// fewer bytes than it should: whoever reads has to count.
func (r *replica) get(ctx context.Context, key string, offset, size int64, etag string, opts ...func(*s3.Options)) (*answer, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(r.cfg.Bucket), Key: aws.String(key)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = r.cfg.customerKey()
	if span := rangeio.HTTPRange(offset, size); span != "" {
		in.Range = aws.String(span)
		opts = append(opts, unvalidated)
	}
	if etag != "" {
		in.IfMatch = aws.String(etag)
	}
	out, err := r.api.GetObject(ctx, in, opts...)
	if err != nil {
		if etag != "" && (isPreconditionFailed(err) || isInvalidRange(err)) {
			err = fmt.Errorf("%w: %w", errReplaced, err)
		}
		return nil, err
	}
	a, err := r.accept(ctx, out, key, offset, size, etag, opts)
	if err != nil {
		out.Body.Close()
		return nil, err
	}
	return a, nil
}

// unvalidated keeps the SDK from holding a range to a checksum: some services
// send the whole object's with it.
func unvalidated(o *s3.Options) {
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// accept holds an answer to what was asked for.
func (r *replica) accept(ctx context.Context, out *s3.GetObjectOutput, key string, offset, size int64, etag string, opts []func(*s3.Options)) (*answer, error) {
	a := &answer{body: out.Body, version: version{etag: strong(out.ETag), size: -1, modified: aws.ToTime(out.LastModified).UTC()}}
	if err := a.same(etag); err != nil {
		return nil, err
	}
	length := int64(-1)
	if out.ContentLength != nil {
		length = *out.ContentLength
	}
	a.whole = out.ContentRange == nil && rawStatus(out) != 206
	if a.whole {
		a.size = length
	} else {
		n, total, err := rangeio.CheckContentRange(aws.ToString(out.ContentRange), offset, size)
		switch {
		case err != nil:
			return nil, err
		case length >= 0 && length != n:
			return nil, fmt.Errorf("server answered with Content-Range %q and Content-Length %d", aws.ToString(out.ContentRange), length)
		}
		a.size, a.body = total, rangeio.Announced(a.body, n)
	}
	if a.size < 0 {
		now, err := r.head(ctx, key, cmp.Or(a.etag, etag), opts...)
		if err != nil {
			return nil, err
		}
		a.size = now.size
	}
	if a.whole {
		start, n := rangeio.Clamp(offset, size, a.size)
		if start > maxSkip && n > 0 {
			return nil, fmt.Errorf("store ignores the range from %d: want at most %d bytes to skip: %w", start, int64(maxSkip), errors.ErrUnsupported)
		}
		a.body = &skipper{ReadCloser: a.body, skip: start}
	}
	return a, nil
}

// strong returns an ETag that If-Match can be held to: a weak one never
// matches (RFC 9110, section 13.1.1).
func strong(etag *string) string {
	if s := aws.ToString(etag); !strings.HasPrefix(s, "W/") {
		return s
	}
	return ""
}

// same returns an error unless an answer is of the version that was asked for;
// etag is empty if any will do. One that does not say so may be of another: the
// condition in the request, a proxy may have dropped.
func (v version) same(etag string) error {
	switch {
	case etag == "", v.etag == etag:
		return nil
	case v.etag == "":
		return fmt.Errorf("the answer has no ETag, or a weak one, it was %s before: the file may have been replaced", etag)
	}
	return fmt.Errorf("%w: ETag is %s, was %s", errReplaced, v.etag, etag)
}

func rawStatus(out *s3.GetObjectOutput) int {
	if raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok && raw != nil {
		return raw.StatusCode
	}
	return 0
}

// skipper leaves out what was not asked for, at the first Read.
type skipper struct {
	io.ReadCloser
	skip int64
}

func (s *skipper) Read(p []byte) (int, error) {
	if s.skip > 0 {
		n, err := io.CopyN(io.Discard, s.ReadCloser, s.skip)
		s.skip -= n
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
	return s.ReadCloser.Read(p)
}

// headed is what a HEAD tells.
type headed struct {
	version
	metadata map[string]string
}

// head asks for an object's properties, and only of the version etag if that
// is not empty. It is one request, and a GET of one byte after an answer that
// there is nothing.
func (r *replica) head(ctx context.Context, key, etag string, opts ...func(*s3.Options)) (headed, error) {
	in := &s3.HeadObjectInput{Bucket: aws.String(r.cfg.Bucket), Key: aws.String(key)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = r.cfg.customerKey()
	if etag != "" {
		in.IfMatch = aws.String(etag)
	}
	out, err := r.api.HeadObject(ctx, in, opts...)
	switch {
	case err != nil && etag != "" && isPreconditionFailed(err):
		return headed{}, fmt.Errorf("%w: %w", errReplaced, err)
	case statusOf(err) == http.StatusNotFound:
		return r.confirm(ctx, key, etag, opts...)
	case err != nil:
		return headed{}, err
	case out.ContentLength == nil:
		return headed{}, errors.New("server answered a HEAD without Content-Length")
	}
	h := headed{version: version{etag: strong(out.ETag), size: *out.ContentLength, modified: aws.ToTime(out.LastModified).UTC()},
		metadata: out.Metadata}
	return h, h.same(etag)
}

// confirm asks for an object's first byte after a HEAD that has found nothing.
// That answer has no body to tell a missing file from a missing bucket, or from
// a proxy that has lost its route; this one has.
func (r *replica) confirm(ctx context.Context, key, etag string, opts ...func(*s3.Options)) (headed, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(r.cfg.Bucket), Key: aws.String(key), Range: aws.String(rangeio.HTTPRange(0, 1))}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = r.cfg.customerKey()
	if etag != "" {
		in.IfMatch = aws.String(etag)
	}
	out, err := r.api.GetObject(ctx, in, append(slices.Clone(opts), unvalidated)...)
	switch {
	case err != nil && etag != "" && isPreconditionFailed(err):
		return headed{}, fmt.Errorf("%w: %w", errReplaced, err)
	case isInvalidRange(err): // the object is there, and empty
		if size, ok := refusedSize(err); !ok || size == 0 {
			return headed{}, nil
		}
		return headed{}, err
	case err != nil:
		return headed{}, err
	}
	defer out.Body.Close()
	_, _ = io.CopyN(io.Discard, out.Body, 2) // the connection may stay
	h := headed{version: version{etag: strong(out.ETag), size: aws.ToInt64(out.ContentLength), modified: aws.ToTime(out.LastModified).UTC()},
		metadata: out.Metadata}
	if out.ContentRange != nil || rawStatus(out) == http.StatusPartialContent {
		if _, h.size, err = rangeio.CheckContentRange(aws.ToString(out.ContentRange), 0, 1); err != nil {
			return headed{}, err
		}
	}
	if h.size <= 0 {
		return headed{}, fmt.Errorf("%w: server answered that %s is not there, and then that it is", ltxstore.ErrUnavailable, key)
	}
	return h, h.same(etag)
}
