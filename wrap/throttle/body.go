package throttle

import (
	"context"
	"io"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// body is an upload. A backend may read one that seeks twice, to sum and to send it: its bytes
// count once.
type body struct {
	io.Reader
	ctx     context.Context
	up      *meter
	at, top int64 // the offset, and the highest one so far
}

// newBody returns a reader of r that seeks, or has a length, if r does.
func newBody(ctx context.Context, r io.Reader, up *meter) io.Reader {
	if r == nil {
		return nil
	}
	b := &body{Reader: r, ctx: ctx, up: up}
	if seeker, ok := r.(io.Seeker); ok {
		at, err := seeker.Seek(0, io.SeekCurrent)
		if err != nil { // a pipe
			return b
		}
		b.at, b.top = at, at
		return &seekable{b, seeker}
	}
	return layer.Reader(r, b.Read)
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.up.read(p, b.Reader.Read)
	b.at += int64(n)
	fresh := max(0, min(b.at-b.top, int64(n)))
	b.top = max(b.top, b.at)
	if wait := b.up.pass(b.ctx, int(fresh), err != nil); wait != nil && (err == nil || err == io.EOF) {
		err = wait
	}
	return n, err
}

type seekable struct {
	*body
	io.Seeker
}

// Seek implements io.Seeker.
func (s *seekable) Seek(offset int64, whence int) (int64, error) {
	at, err := s.Seeker.Seek(offset, whence)
	if err == nil {
		s.at = at
	}
	return at, err
}
