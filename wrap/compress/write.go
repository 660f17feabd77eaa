package compress

import (
	"fmt"
	"io"
	"io/fs"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Encode implements codec.Format.
func (s *format) Encode(f layer.File, src *codec.Source) (io.Reader, func(codec.Known), error) {
	e := &encoder{format: s, src: src, plain: s.zstd.plain.Get().(*[]byte)}
	// After a failure the buffer is not reused: a transport may still be reading.
	return e, func(known codec.Known) {
		s.zstd.plain.Put(e.plain)
		it := &stored{Known: known, summary: e.summary(), ends: e.ends()}
		s.files.Put(f, it, it.memory())
	}, nil
}

// encoder reads the compressed form of a body.
type encoder struct {
	*format
	src   *codec.Source
	plain *[]byte

	out   []byte // compressed, read from at on
	at    int
	sizes []uint32
	table seekTable
	err   error // to return after out
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

// fill encodes the next frame, or, after the last, summary and table.
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

// summary returns the summary of a body that has ended.
func (e *encoder) summary() summary {
	return summary{frameSize: int64(e.frameSize), size: e.src.Size, time: e.src.Time, isLTX: e.src.IsLTX}
}

// ends returns the offsets at which the frames end.
func (e *encoder) ends() []int64 {
	ends := make([]int64, len(e.sizes))
	var at int64
	for i, size := range e.sizes {
		at += int64(size)
		ends[i] = at
	}
	return ends
}
