package object

import (
	"bytes"
	"context"
	"hash"
	"io"
	"sync/atomic"
	"time"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// answerGrace is how long a request that was sent whole goes on when the
// caller has given up: without its answer a file would appear after its write
// was reported as failed, or an upload would stay that nobody knows of.
const answerGrace = time.Second

// Body is the content of one request: Size bytes, which come from memory or
// from the caller's file, and may be read again after Seek.
//
// A body is sent whole, or not to its end. A store may keep whatever it has
// received completely, whenever it gets to it: also when the request was
// cancelled, and, if it is a part, when its upload was aborted meanwhile,
// which then comes back. So a cancelled request is cut off while the store
// lacks the end of the body; after that it is given the time for its answer.
type Body struct {
	io.ReadSeeker // a *bytes.Reader or an *io.SectionReader
	size          int64
	left          atomic.Int64 // not yet handed over
	cut           atomic.Bool  // no more may be
}

func newBody(content io.ReadSeeker, size int64) *Body {
	b := &Body{ReadSeeker: content, size: size}
	b.left.Store(size)
	return b
}

// NewBody returns a body of content, for the test of a Bucket.
func NewBody(content []byte) *Body {
	return newBody(bytes.NewReader(content), int64(len(content)))
}

// Size returns the body's size in bytes.
func (b *Body) Size() int64 { return b.size }

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) {
	if b.cut.Load() {
		return 0, context.Canceled
	}
	n, err := b.ReadSeeker.Read(p)
	// outlive cuts first and then looks at left: either it finds that this
	// was the end, or the end stays here.
	b.left.Add(-int64(n))
	if b.cut.Load() {
		return 0, context.Canceled
	}
	return n, err
}

// WriteTo implements io.WriterTo: it is Read, through a buffer from a pool.
func (b *Body) WriteTo(w io.Writer) (int64, error) {
	return flow.Copy(w, b)
}

// Seek implements io.Seeker.
func (b *Body) Seek(offset int64, whence int) (int64, error) {
	at, err := b.ReadSeeker.Seek(offset, whence)
	if err == nil {
		b.left.Store(b.size - at)
	}
	return at, err
}

// Sum returns the hash of the body by h, which is empty, and rewinds it.
func (b *Body) Sum(h hash.Hash) ([]byte, error) {
	if _, err := b.WriteTo(h); err != nil {
		return nil, err
	}
	_, err := b.Seek(0, io.SeekStart)
	return h.Sum(nil), err
}

// outlive returns the context of the request that sends the body.
func (b *Body) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	return flow.OutliveIf(ctx, answerGrace, func() bool {
		b.cut.Store(true)
		return b.left.Load() == 0
	})
}
