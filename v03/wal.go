package v03

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/superfly/ltx"
)

// The format of SQLite's WAL: https://sqlite.org/fileformat2.html#walformat
const (
	walHeaderSize   = 32
	frameHeaderSize = 24
	walMagic        = 0x377f0682 // the lowest bit is set if checksums are big-endian
	walVersion      = 3007000
)

// walReader reads the frames of a WAL file, and verifies their cumulative checksums.
// Damage is a fault.
type walReader struct {
	r        io.Reader
	pageSize uint32
	big      bool // of the checksums' words
	salt     [8]byte
	sum      [2]uint32
	buf      []byte // a frame
	frames   int64
}

// newWALReader reads the header.
func newWALReader(r io.Reader) (*walReader, error) {
	var header [walHeaderSize]byte
	switch n, err := io.ReadFull(r, header[:]); {
	case err == io.EOF, err == io.ErrUnexpectedEOF, n > 0 && isMissing(err):
		return nil, faultf("WAL header is cut off after %d bytes", n)
	case err != nil:
		return nil, err
	}
	word := func(at int) uint32 { return binary.BigEndian.Uint32(header[at:]) }
	w := &walReader{r: r, pageSize: word(8), big: word(0)&1 != 0}
	copy(w.salt[:], header[16:])
	w.add(header[:24])
	switch {
	case word(0)&^1 != walMagic:
		return nil, faultf("WAL starts with %08x: want %08x or %08x", word(0), walMagic, walMagic|1)
	case word(4) != walVersion:
		return nil, faultf("WAL has version %d: want %d", word(4), walVersion)
	case !ltx.IsValidPageSize(w.pageSize):
		return nil, faultf("WAL has a page size of %d bytes: want a power of two from 512 to 65536", w.pageSize)
	case w.sum != [2]uint32{word(24), word(28)}:
		return nil, faultf("WAL header has a wrong checksum")
	}
	w.buf = make([]byte, frameHeaderSize+w.pageSize)
	return w, nil
}

// frame is a version of a page.
type frame struct {
	pgno   uint32
	commit uint32 // in the last frame of a transaction: pages of the database after it; otherwise 0
	page   []byte // valid until the next frame
}

// next returns the next frame, or io.EOF after the last.
func (w *walReader) next() (frame, error) {
	switch n, err := io.ReadFull(w.r, w.buf); {
	case err == io.ErrUnexpectedEOF, n > 0 && isMissing(err):
		return frame{}, faultf("segment ends within a frame, after %d of %d bytes", n, len(w.buf))
	case err != nil:
		return frame{}, err
	}
	head, page := w.buf[:frameHeaderSize], w.buf[frameHeaderSize:]
	word := func(at int) uint32 { return binary.BigEndian.Uint32(head[at:]) }
	w.frames++
	if !bytes.Equal(head[8:16], w.salt[:]) {
		return frame{}, faultf("frame %d has the salts %x: want %x, as in the WAL header", w.frames, head[8:16], w.salt)
	}
	w.add(head[:8])
	w.add(page)
	if w.sum != [2]uint32{word(16), word(20)} {
		return frame{}, faultf("frame %d has a wrong checksum, or does not continue the frame before it", w.frames)
	}
	if word(0) == 0 {
		return frame{}, faultf("frame %d has page number 0: want 1 or more", w.frames)
	}
	return frame{word(0), word(4), page}, nil
}

// add adds bytes to the cumulative checksum.
func (w *walReader) add(b []byte) {
	s0, s1 := w.sum[0], w.sum[1]
	if w.big {
		for ; len(b) >= 8; b = b[8:] {
			s0 += binary.BigEndian.Uint32(b) + s1
			s1 += binary.BigEndian.Uint32(b[4:]) + s0
		}
	} else {
		for ; len(b) >= 8; b = b[8:] {
			s0 += binary.LittleEndian.Uint32(b) + s1
			s1 += binary.LittleEndian.Uint32(b[4:]) + s0
		}
	}
	w.sum = [2]uint32{s0, s1}
}
