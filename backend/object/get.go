package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// errReplaced ends a read whose rest would come from another file.
var errReplaced = errors.New("the file was replaced while being read")

// maxSkip is how much is read and discarded if a store ignores a range.
const maxSkip = 64 << 20

// answer is an open body with the rest of the requested range.
type answer struct {
	Object
	body  io.ReadCloser
	whole bool // the store ignored the range: body ends at the object's end
}

// get requests a range of an object once, and only of the given version if that is not
// empty. The answer may contain fewer bytes than requested, but never others: the
// reader must count them.
func (r *replica) get(ctx context.Context, key string, offset, size int64, version string) (*answer, error) {
	opts := GetOptions{Offset: offset, Size: size, Version: version}
	if offset > math.MaxInt64-size {
		opts.Size = 0 // to the end
	}
	content, err := r.Bucket.Get(ctx, key, opts)
	if err != nil {
		if version != "" && (r.is(err, ErrPrecondition) || r.is(err, ErrRange)) {
			err = fmt.Errorf("%w: %w", errReplaced, err)
		}
		return nil, err
	}
	a, err := r.accept(ctx, key, content, offset, size, version)
	if err != nil {
		content.Body.Close()
		return nil, err
	}
	return a, nil
}

// accept compares a response with the request.
func (r *replica) accept(ctx context.Context, key string, content Content, offset, size int64, version string) (*answer, error) {
	a := &answer{Object: content.Object, body: content.Body}
	switch {
	case version != "" && content.Version == "":
		return nil, failed(nil, "response without the requested version, %s", version)
	case version != "" && content.Version != version:
		return nil, fmt.Errorf("%w: version is %s, was %s", errReplaced, content.Version, version)
	case content.Offset != offset && content.Offset != 0:
		return nil, fmt.Errorf("store returned the range from %d: want it to start at %d", content.Offset, offset)
	}
	if a.Size < 0 {
		now, err := r.head(ctx, key, content.Version)
		switch {
		case r.is(err, ErrPrecondition):
			return nil, fmt.Errorf("%w: %w", errReplaced, err)
		case err != nil:
			return nil, err
		}
		a.Size = now.Size
	}
	ranged := offset > 0 || size > 0
	if content.Length < 0 && !ranged {
		a.body = &unannounced{a.body, r, a.Size}
	}
	a.whole = ranged && content.Offset == 0 && (offset > 0 || content.Length > size)
	if !a.whole {
		if ranged && content.Length >= 0 {
			a.body = rangeio.Announced(a.body, content.Length)
		}
		return a, nil
	}
	start, n := rangeio.Clamp(offset, size, a.Size)
	if start > maxSkip && n > 0 {
		return nil, fmt.Errorf("store ignores ranges, and offset %d is more than the %d bytes that may be skipped: %w", start, int64(maxSkip), errors.ErrUnsupported)
	}
	a.body = &skipper{ReadCloser: a.body, skip: start}
	return a, nil
}

// unannounced is a whole object's body whose length the store did not announce, and which
// an SDK has compared with a checksum: one that ends too early is not a corrupt one.
type unannounced struct {
	io.ReadCloser
	r    *replica
	left int64
}

// Read implements io.Reader.
func (u *unannounced) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if u.left -= int64(n); u.left > 0 && u.r.is(err, ltxstore.ErrChecksum) {
		err = fmt.Errorf("body ends %d bytes too early: %w", u.left, io.ErrUnexpectedEOF)
	}
	return n, err
}

// skipper skips bytes before the requested range, at the first Read.
type skipper struct {
	io.ReadCloser
	skip int64
}

// Read implements io.Reader.
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
