package compress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// WriteLTXFile implements ltxstore.ReplicaClient. It costs what the next client's
// does for the compressed body, whose size is not known beforehand. Two frames
// are in memory.
//
// When the next client refuses to replace a file (WriteOnce), the stored one is
// read back and compared: another release of the compressor may have made other
// bytes of the same body.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, codec.WrapCall(c.next, "write", err)
	}
	if r == nil {
		return nil, backend.Invalid(c.Type(), "write", "r", r, "want a body")
	}
	s, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	f := codec.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	info, err := c.write(ctx, s, f, r)
	return info, codec.Wrap(c.next, "write", f, err)
}

func (c *Client) write(ctx context.Context, s *setup, f codec.File, r io.Reader) (*ltx.FileInfo, error) {
	src, err := codec.NewSource(ctx, f, r)
	if err != nil {
		return nil, err
	}
	s.files.Drop(f)
	e := &encoder{setup: s, src: src, plain: s.zstd.plain.Get().(*[]byte)}
	at, err := c.next.WriteLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, e)
	switch {
	case errors.Is(err, fs.ErrExist):
		return c.settle(ctx, s, f, src, err)
	case err != nil:
		// The buffers are left to the garbage collector: a transport may still
		// be reading.
		return nil, err
	}
	if err := src.Ended(); err != nil {
		return nil, err
	}
	s.zstd.plain.Put(e.plain)
	known := &stored{length: at.Size, at: at.CreatedAt, summary: e.summary(), ends: e.ends()}
	s.files.Put(f, known, known.memory())
	return known.describe(f), nil
}

// settle answers for a name that is taken: the same body is success (clause W6).
func (c *Client) settle(ctx context.Context, s *setup, f codec.File, src *codec.Source, refused error) (*ltx.FileInfo, error) {
	same, err := src.Equals(func() (io.ReadCloser, error) { return c.open(ctx, s, f, 0, 0) })
	switch {
	case err != nil:
		return nil, errors.Join(refused, err)
	case !same:
		return nil, refused
	}
	known, err := c.look(ctx, s, f, ltx.FileInfo{}, true)
	if err != nil {
		return nil, err
	}
	return known.describe(f), nil
}

// encoder yields the compressed form of a body.
type encoder struct {
	*setup
	src   *codec.Source
	plain *[]byte

	out   []byte // compressed, read from at on
	at    int
	sizes []uint32
	table seekTable
	err   error // what comes after out
}

// Read implements io.Reader.
func (e *encoder) Read(p []byte) (int, error) {
	for e.at == len(e.out) {
		if e.err != nil {
			return 0, e.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		e.fill()
	}
	n := copy(p, e.out[e.at:])
	e.at += n
	return n, nil
}

// fill makes the next frame, or, after the last, summary and table.
func (e *encoder) fill() {
	e.out, e.at = e.out[:0], 0
	n, err := ltxio.ReadFull(e.src, *e.plain)
	if err != nil && err != io.EOF {
		e.err = err
		return
	}
	if n > 0 && len(e.sizes) == maxFrames {
		e.err = fmt.Errorf("body has more than %d frames of %d bytes: want a larger FrameSize: %w", maxFrames, e.frameSize, fs.ErrInvalid)
		return
	}
	if n > 0 {
		e.out = e.zstd.encoder.EncodeAll((*e.plain)[:n], e.out)
		e.sizes = append(e.sizes, uint32(len(e.out)))
		e.table.add(e.out, int64(n))
	}
	if err == io.EOF {
		e.err = err
		s := e.summary()
		e.out = appendTable(appendSummary(e.out, s, e.table), s, e.sizes)
	}
}

// summary is right when the body has ended.
func (e *encoder) summary() summary {
	return summary{frameSize: int64(e.frameSize), size: e.src.Size, time: e.src.Time, isLTX: e.src.IsLTX}
}

// ends returns where the frames end.
func (e *encoder) ends() []int64 {
	ends := make([]int64, len(e.sizes))
	var at int64
	for i, size := range e.sizes {
		at += int64(size)
		ends[i] = at
	}
	return ends
}
