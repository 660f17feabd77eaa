package s3

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// sending is a body on its way: it is sent whole, or not to its end. What a
// service has got whole it may store whenever it comes to it, also when the
// request is cancelled and, if the body is a part, when its upload has been
// aborted meanwhile, which then comes back to life. So a cancelled request is
// cut off while the service lacks the end of the body, and then has the time
// for its answer.
type sending struct {
	body io.ReadSeeker
	size int64
	left atomic.Int64 // not yet handed over
	cut  atomic.Bool  // no more of it may be
}

func newSending(body io.ReadSeeker, size int64) *sending {
	s := &sending{body: body, size: size}
	s.left.Store(size)
	return s
}

// outlive returns the context of the request that sends the body.
func (s *sending) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctxio.OutliveIf(ctx, answerGrace, func() bool {
		s.cut.Store(true)
		return s.left.Load() == 0
	})
}

// Read implements io.Reader.
func (s *sending) Read(p []byte) (int, error) {
	if s.cut.Load() {
		return 0, context.Canceled
	}
	n, err := s.body.Read(p)
	// Whoever cuts looks at left after that: either he finds that this was
	// the end, or the end stays here.
	s.left.Add(-int64(n))
	if s.cut.Load() {
		return 0, context.Canceled
	}
	return n, err
}

// WriteTo implements io.WriterTo, for the sums of the body: what is sent goes
// through Read.
func (s *sending) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, s.body) }

// Seek implements io.Seeker.
func (s *sending) Seek(offset int64, whence int) (int64, error) {
	at, err := s.body.Seek(offset, whence)
	s.left.Store(s.size - at)
	return at, err
}
