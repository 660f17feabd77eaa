package retry

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Write implements layer.Operations.
func (p *replica) Write(ctx context.Context, f layer.File, r io.Reader) (info *ltx.FileInfo, err error) {
	if r == nil {
		return p.Next.Write(ctx, f, r) // which rejects it
	}
	src, err := newSource(ctx, r, p.cfg.BufferSize)
	if err != nil {
		return nil, err
	}
	policy := p.policy
	policy.Retryable = func(err error) bool { return src.failure == nil && !src.once && ltxstore.IsRetryable(err) }
	err = policy.Do(ctx, func(ctx context.Context) error {
		r, err := src.open()
		if err != nil {
			return err
		}
		info, err = p.Next.Write(ctx, f, r)
		return err
	})
	if err != nil {
		// The buffer is not freed: a transport may still be reading it.
		if src.once && src.failure == nil && ltxstore.IsRetryable(err) {
			err = fmt.Errorf("not repeated, because the body does not seek and has more than BufferSize, %d bytes: %w", p.cfg.BufferSize, err)
		}
		return nil, err
	}
	src.buffer.Free()
	return info, nil
}

// source is a body that can be written again, or only once.
type source struct {
	open    func() (io.Reader, error) // for each attempt
	once    bool
	buffer  flow.Buffer // of a body that does not seek: all of it, or its beginning
	failure error       // of the caller's reader
}

// newSource reads what must be kept of r.
func newSource(ctx context.Context, r io.Reader, limit int64) (*source, error) {
	s := &source{}
	size, err := ltxio.Size(r)
	if err != nil {
		return nil, err
	}
	if seeker, ok := r.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			s.open = s.seeking(r, seeker, start, size)
			return s, nil
		}
	}
	whole := ltxio.Whole(ctx, layer.Reader(r, s.read(r)), size)
	end, err := s.buffer.Fill(whole, min(limit, math.MaxInt64-1)+1, 0)
	switch {
	case err != nil:
		s.buffer.Free()
		return nil, err
	case end:
		s.open = func() (io.Reader, error) { return s.buffer.Reader(), nil }
	default:
		s.open, s.once = func() (io.Reader, error) { return flow.Drain(&s.buffer, whole), nil }, true
	}
	return s, nil
}

// seeking returns the open function of a body that seeks. An *os.File is passed on as it is,
// so that the kernel can copy it: its errors are not retryable anyway. A body whose size
// has changed by the next attempt is refused, because the next client could not know.
func (s *source) seeking(r io.Reader, seeker io.Seeker, start, size int64) func() (io.Reader, error) {
	again := false
	if _, ok := r.(*os.File); !ok {
		r = layer.Reader(r, s.read(r))
	}
	return func() (io.Reader, error) {
		if again {
			if _, err := seeker.Seek(start, io.SeekStart); err != nil {
				return nil, err
			}
			now, err := ltxio.Size(r)
			if err == nil {
				err = ltxio.CheckSize(size, max(now, 0))
			}
			if err != nil {
				return nil, err
			}
		}
		again = true
		return r, nil
	}
}

// read reads r and keeps its failure.
func (s *source) read(r io.Reader) func(p []byte) (int, error) {
	return func(p []byte) (int, error) {
		if s.failure != nil {
			return 0, s.failure
		}
		n, err := r.Read(p)
		if err != nil && err != io.EOF {
			s.failure = err
		}
		return n, err
	}
}
