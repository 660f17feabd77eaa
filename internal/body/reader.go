package body

import (
	"fmt"
	"io"
)

// Reader returns a reader of what the buffer has now.
func (b *Buffer) Reader() io.ReadSeeker { return &bufferReader{b: b} }

// bufferReader is an io.ReadSeeker over a buffer.
type bufferReader struct {
	b   *Buffer
	pos int64

	chunk      int   // that the position is in
	chunkStart int64 // where that begins
}

// Read implements io.Reader.
func (r *bufferReader) Read(p []byte) (int, error) {
	if r.pos == r.b.size {
		return 0, io.EOF
	}
	for r.pos-r.chunkStart >= int64(len(r.b.chunks[r.chunk])) {
		r.chunkStart += int64(len(r.b.chunks[r.chunk]))
		r.chunk++
	}
	n := copy(p, r.b.chunks[r.chunk][r.pos-r.chunkStart:])
	r.pos += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (r *bufferReader) Seek(offset int64, whence int) (int64, error) {
	r.chunk, r.chunkStart = 0, 0
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.b.size
	}
	if offset < 0 || offset > r.b.size {
		return 0, fmt.Errorf("seek to %d: want 0 to %d", offset, r.b.size)
	}
	r.pos = offset
	return offset, nil
}

// Drain returns a reader of a buffer's content and then of the rest of the
// body. It frees each chunk when it is read; what it has not reached is still
// the buffer's.
func Drain(b *Buffer, rest io.Reader) io.Reader { return &drain{b: b, rest: rest} }

type drain struct {
	b    *Buffer
	read int // of the first chunk
	rest io.Reader
}

// Read implements io.Reader.
func (d *drain) Read(p []byte) (int, error) {
	if len(d.b.chunks) == 0 {
		return d.rest.Read(p)
	}
	first := d.b.chunks[0]
	n := copy(p, first[d.read:])
	if d.read += n; d.read == len(first) {
		release(first)
		d.b.chunks, d.read = d.b.chunks[1:], 0
	}
	return n, nil
}
