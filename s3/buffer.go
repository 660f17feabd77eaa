package s3

import (
	"hash"
	"io"
	"sync"
)

// maxEmptyReads is how often a reader may return neither a byte nor an error.
const maxEmptyReads = 100

// The sizes of a buffer's chunks: the first holds a usual transaction, the
// others grow, so that no body costs more than a few times its size.
const (
	smallChunk  = 8 << 10
	mediumChunk = 64 << 10
	largeChunk  = 256 << 10
)

var (
	smallChunks  = sync.Pool{New: func() any { return new([smallChunk]byte) }}
	mediumChunks = sync.Pool{New: func() any { return new([mediumChunk]byte) }}
	largeChunks  = sync.Pool{New: func() any { return new([largeChunk]byte) }}
)

// chunk returns the i-th chunk of a buffer.
func chunk(i int) []byte {
	switch {
	case i == 0:
		return smallChunks.Get().(*[smallChunk]byte)[:]
	case i < 4:
		return mediumChunks.Get().(*[mediumChunk]byte)[:]
	}
	return largeChunks.Get().(*[largeChunk]byte)[:]
}

func release(chunk []byte) {
	chunk = chunk[:cap(chunk)]
	switch len(chunk) {
	case smallChunk:
		smallChunks.Put((*[smallChunk]byte)(chunk))
	case mediumChunk:
		mediumChunks.Put((*[mediumChunk]byte)(chunk))
	case largeChunk:
		largeChunks.Put((*[largeChunk]byte)(chunk))
	}
}

// buffer holds a body, or a part of one, in chunks from a pool. It grows with
// what is read into it and is not copied in doing so.
type buffer struct {
	chunks [][]byte // all full but the last
	kept   int      // how many chunks there are from an earlier use: chunks may be fewer
	size   int64
	first  [4][]byte // room for the chunks of a small body
}

func newBuffer() *buffer {
	b := &buffer{}
	b.chunks = b.first[:0]
	return b
}

// fill reads until the buffer has limit bytes, and reports whether the source
// has ended. A source that ends just there may not be known to have ended.
func (b *buffer) fill(r io.Reader, limit int64) (end bool, err error) {
	used, empty := b.last(), 0
	for b.size < limit {
		if used == nil || len(*used) == cap(*used) {
			used = b.grow()
		}
		free := (*used)[len(*used):cap(*used)]
		n, err := r.Read(free[:min(int64(len(free)), limit-b.size)])
		*used = (*used)[:len(*used)+n]
		b.size += int64(n)
		switch {
		case err == io.EOF:
			return true, nil
		case err != nil:
			return false, err
		case n > 0:
			empty = 0
		case empty == maxEmptyReads:
			return false, io.ErrNoProgress
		default:
			empty++
		}
	}
	return false, nil
}

func (b *buffer) last() *[]byte {
	if len(b.chunks) == 0 {
		return nil
	}
	return &b.chunks[len(b.chunks)-1]
}

func (b *buffer) grow() *[]byte {
	if n := len(b.chunks); n < b.kept {
		b.chunks = b.chunks[:n+1]
		b.chunks[n] = b.chunks[n][:0]
		return b.last()
	}
	b.chunks = append(b.chunks, chunk(len(b.chunks))[:0])
	return b.last()
}

// sum adds the content to a hash.
func (b *buffer) sum(h hash.Hash) {
	for _, chunk := range b.chunks {
		h.Write(chunk)
	}
}

// free gives the chunks back. Nothing may read the buffer any more.
func (b *buffer) free() {
	for _, chunk := range b.chunks[:max(len(b.chunks), b.kept)] {
		release(chunk)
	}
	b.chunks, b.kept, b.size = nil, 0, 0
}

// reset empties the buffer and keeps its chunks for the next part: from the
// pool they would vanish with the next garbage collection.
func (b *buffer) reset() {
	b.kept = max(len(b.chunks), b.kept)
	b.chunks, b.size = b.chunks[:0], 0
}

// reader returns a reader of what the buffer has now.
func (b *buffer) reader() *bufferReader { return &bufferReader{b: b} }

// bufferReader is an io.ReadSeeker over a buffer.
type bufferReader struct {
	b   *buffer
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

// WriteTo implements io.WriterTo, which saves the SDK a buffer where it sums a
// body.
func (r *bufferReader) WriteTo(w io.Writer) (total int64, err error) {
	start := int64(0)
	for _, chunk := range r.b.chunks {
		end := start + int64(len(chunk))
		if r.pos < end {
			n, err := w.Write(chunk[r.pos-start:])
			r.pos += int64(n)
			total += int64(n)
			if err != nil {
				return total, err
			}
		}
		start = end
	}
	return total, nil
}

// Seek implements io.Seeker.
func (r *bufferReader) Seek(offset int64, whence int) (int64, error) {
	r.chunk, r.chunkStart = 0, 0
	return seekWithin(&r.pos, r.b.size, offset, whence)
}

// drain yields a buffer's content and then the rest of the body. It frees each
// chunk when it is read; what it has not reached is still the buffer's.
type drain struct {
	b    *buffer
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
