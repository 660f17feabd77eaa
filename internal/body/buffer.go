package body

import (
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// The sizes of a buffer's chunks: the first holds a usual transaction, the
// others grow, so that no body costs more than a few times its size.
const (
	smallChunk  = 8 << 10
	mediumChunk = 64 << 10
	largeChunk  = 256 << 10

	growing = 4 // how many chunks there are before the large ones
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
	case i < growing:
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

// Buffer holds a body, or its beginning, in chunks from a pool. It grows with
// what is read into it and is not copied in doing so.
type Buffer struct {
	chunks [][]byte // all full but the last
	size   int64
	first  [growing][]byte // room for the chunks of a small body
}

// NewBuffer returns an empty buffer.
func NewBuffer() *Buffer {
	b := &Buffer{}
	b.chunks = b.first[:0]
	return b
}

// Fill reads until the buffer has limit bytes, and reports whether the source
// has ended. A source that ends just there may not be known to have ended.
func (b *Buffer) Fill(r io.Reader, limit int64) (end bool, err error) {
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
		case empty == ctxio.MaxEmptyReads:
			return false, io.ErrNoProgress
		default:
			empty++
		}
	}
	return false, nil
}

func (b *Buffer) last() *[]byte {
	if len(b.chunks) == 0 {
		return nil
	}
	return &b.chunks[len(b.chunks)-1]
}

func (b *Buffer) grow() *[]byte {
	b.chunks = append(b.chunks, chunk(len(b.chunks))[:0])
	return b.last()
}

// Free returns the chunks to the pool. Nothing may read the buffer any more.
func (b *Buffer) Free() {
	for _, chunk := range b.chunks {
		release(chunk)
	}
	b.chunks, b.size = nil, 0
}
