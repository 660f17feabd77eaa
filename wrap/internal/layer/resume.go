package layer

import (
	"context"
	"io"
	"math"
	"sync"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// OpenFunc opens a range of a file, as OpenLTXFile does.
type OpenFunc func(ctx context.Context, offset, size int64) (io.ReadCloser, error)

// Resume calls open and returns its reader, which resumes the transfer where it breaks. retry repeats
// what fails. Close may be called concurrently with Read, and ends it. ctx must live as long as the
// reader. Errors name next.
func Resume(ctx context.Context, next Typed, f File, offset, size int64, open OpenFunc, retry rangeio.Retrier) (io.ReadCloser, error) {
	r := &resumed{open: open, toEnd: size == 0}
	if r.toEnd {
		size = math.MaxInt64 - offset
	}
	first, cancel := context.WithCancel(ctx)
	var body io.ReadCloser
	err := retry.Do(ctx, func(context.Context) (err error) {
		body, err = r.rest(first, offset, size)
		return err
	})
	if err != nil {
		cancel()
		return nil, WrapFile(next, "open", f, err)
	}
	r.Reader = rangeio.NewReader(ctx, rangeio.Config{Body: body, Cancel: cancel, Offset: offset, Size: size, UpTo: true,
		Open: r.rest, Retry: retry, IdleTimeout: -1})
	return rangeio.WrapErrors(r, func(err error) error { return WrapFile(next, "read", f, err) }), nil
}

type resumed struct {
	*rangeio.Reader
	open  OpenFunc
	toEnd bool
	last  overlap

	mu     sync.Mutex
	failed error // of the last body's Close
}

// rest opens what is left, and checks that the bytes before it are those delivered.
func (r *resumed) rest(ctx context.Context, offset, left int64) (io.ReadCloser, error) {
	size := left
	if r.toEnd {
		size = 0
	}
	offset, size = r.last.before(offset, size)
	body, err := r.open(ctx, offset, size)
	if err != nil {
		return nil, err
	}
	if err := r.last.check(body); err != nil {
		_ = body.Close() // it has failed already
		return nil, err
	}
	return &part{body, r, left}, nil
}

// Close implements io.Closer.
func (r *resumed) Close() error {
	_ = r.Reader.Close() // always nil
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.failed
	r.failed = nil
	return err
}

// part is a body of which left bytes are read and recorded.
type part struct {
	body io.ReadCloser
	of   *resumed
	left int64
}

// Read implements io.Reader.
func (p *part) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.body.Read(b[:min(int64(len(b)), p.left)])
	p.of.last.add(b[:n])
	if p.left -= int64(n); p.left == 0 {
		err = io.EOF
	}
	return n, err
}

// Close implements io.Closer.
func (p *part) Close() error {
	err := p.body.Close()
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	p.of.failed = err
	return err
}
