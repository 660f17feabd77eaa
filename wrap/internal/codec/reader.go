package codec

import (
	"context"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Pieces reads a file, or a range of it, that is decoded in pieces.
type Pieces struct {
	// Ctx makes reads fail when it is done.
	Ctx context.Context

	// Body is closed with the reader; it may be nil.
	Body io.Closer

	// Next returns the next piece, valid until the next call, or io.EOF at the end of
	// the file.
	Next func() ([]byte, error)

	// Skip is the number of bytes before the range, and Left the number of bytes in it;
	// the file may end before. A negative Left means to the end of the file.
	Skip, Left int64

	// Store and File are named by errors.
	Store layer.Typed
	File  layer.File

	piece  []byte
	err    error
	closed atomic.Bool
}

// load decodes up to the first byte of the range, so that opening a file reports damage at its
// beginning. The end of the file is not an error.
func (p *Pieces) load() error {
	for len(p.piece) == 0 && p.err == nil && p.Left != 0 {
		piece, err := p.Next()
		if err != nil {
			p.err = err
			break
		}
		skipped := min(p.Skip, int64(len(piece)))
		p.Skip -= skipped
		p.piece = piece[skipped:]
	}
	if p.err == io.EOF {
		return nil
	}
	return p.err
}

// Opened returns p once it has decoded up to the first byte of the range, and otherwise closes Body.
func (p *Pieces) Opened() (io.ReadCloser, error) {
	if err := p.load(); err != nil {
		_ = p.Close() // it has failed already
		return nil, err
	}
	return p, nil
}

func (p *Pieces) fail(err error) error { return layer.WrapFile(p.Store, "read", p.File, err) }

// Read implements io.Reader.
func (p *Pieces) Read(b []byte) (int, error) {
	if p.closed.Load() {
		return 0, p.fail(fs.ErrClosed)
	}
	if err := flow.Err(p.Ctx); err != nil {
		return 0, p.fail(err)
	}
	if p.Left == 0 {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	if err := p.load(); err != nil {
		return 0, p.fail(flow.Ended(p.Ctx, err))
	}
	if len(p.piece) == 0 {
		return 0, io.EOF
	}
	n := len(p.piece)
	if p.Left > 0 {
		n = int(min(int64(n), p.Left))
	}
	n = copy(b, p.piece[:n])
	p.piece = p.piece[n:]
	if p.Left > 0 {
		p.Left -= int64(n)
	}
	return n, nil
}

// Close implements io.Closer. It may be called concurrently with Read, and ends it if Body's
// Close does.
func (p *Pieces) Close() error {
	if p.closed.Swap(true) || p.Body == nil {
		return nil
	}
	return p.Body.Close()
}
