package compress

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Encode implements codec.Format.
func (s *format) Encode(f layer.File, src *codec.Source) (io.Reader, func(codec.Known), error) {
	e := &encoder{format: s, src: src, plain: s.zstd.plain.Get().(*[]byte), trailer: trailer{frameSize: int64(s.frameSize)}}
	// After a failure the buffer is not reused: a transport may still be reading.
	return e, func(known codec.Known) {
		s.zstd.plain.Put(e.plain)
		it := &stored{length: known.Length, at: known.At, trailer: e.trailer}
		s.Put(f, it, it.memory())
	}, nil
}

// encoder reads the compressed form of a body.
type encoder struct {
	*format
	src   *codec.Source
	plain *[]byte

	out     []byte // compressed, read from read on
	read    int
	end     int64 // of the frames so far
	sum     uint32
	trailer trailer
	err     error // to return after out
}

// Read implements io.Reader.
func (e *encoder) Read(p []byte) (int, error) {
	for e.read == len(e.out) {
		if e.err != nil {
			return 0, e.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		e.fill()
	}
	n := copy(p, e.out[e.read:])
	e.read += n
	return n, nil
}

// fill encodes the next frame and, after the last, the trailer.
func (e *encoder) fill() {
	e.out, e.read = e.out[:0], 0
	n, err := ltxio.ReadFull(e.src, *e.plain)
	if err != nil && err != io.EOF {
		e.err = err
		return
	}
	t := &e.trailer
	if n > 0 && len(t.ends) == maxFrames {
		e.err = fmt.Errorf("body has more than %d frames of %d bytes: want a larger FrameSize: %w", maxFrames, e.frameSize, fs.ErrInvalid)
		return
	}
	if n > 0 {
		e.out = e.zstd.encoder.EncodeAll((*e.plain)[:n], append(e.out, make([]byte, frameHead)...))
		binary.LittleEndian.PutUint32(e.out, frameMagic)
		binary.LittleEndian.PutUint32(e.out[4:], 4)
		binary.LittleEndian.PutUint32(e.out[8:], uint32(len(e.out)-frameHead))
		e.sum = crc32.Update(e.sum, castagnoli(), e.out)
		e.end += int64(len(e.out))
		t.ends = append(t.ends, e.end)
	}
	if err == io.EOF {
		e.err = err
		t.size, t.timestamp = e.src.Size, e.src.Timestamp
		e.out = appendTrailer(e.out, t, e.sum)
	}
}
