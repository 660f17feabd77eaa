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

// answerGrace is how long a request that was sent completely continues after its
// context has ended. Without its response, a file could appear after its write was
// reported as failed, or an unknown upload could remain.
const answerGrace = time.Second

// Body is the content of one request: Size bytes, which come from memory or from the
// caller's file, and may be read again after Seek.
//
// A store may at any time keep a body that it has received completely, even if the
// request was cancelled; a part may even restore an upload that was aborted in the
// meantime. A cancelled request is therefore cut off before the end of its body; if
// the end was already sent, there is time left for the response.
type Body struct {
	io.ReadSeeker // a *bytes.Reader or an *io.SectionReader
	size          int64
	left          atomic.Int64 // not yet read
	cut           atomic.Bool  // no more may be read
}

func newBody(content io.ReadSeeker, size int64) *Body {
	b := &Body{ReadSeeker: content, size: size}
	b.left.Store(size)
	return b
}

// NewBody returns a body with that content, for testing a Bucket.
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
	// outlive first sets cut and then loads left: either it finds that this was the
	// end, or the end is not read.
	b.left.Add(-int64(n))
	if b.cut.Load() {
		return 0, context.Canceled
	}
	return n, err
}

// WriteTo implements io.WriterTo. It calls Read with a buffer from a pool.
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

// Sum writes the body to h, which must be empty, rewinds the body, and returns the
// hash.
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
