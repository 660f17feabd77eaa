package object

import (
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// The sizes that a buffer of unknown need grows through. The first holds a
// usual transaction; since each is a multiple of the one before, a body is
// copied little more than once in all.
const (
	smallBuffer  = 8 << 10
	mediumBuffer = 64 << 10
	largeBuffer  = 512 << 10
)

var (
	smallBuffers  = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	mediumBuffers = sync.Pool{New: func() any { return new([mediumBuffer]byte) }}
	largeBuffers  = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

// allocate returns memory for at least n bytes, from a pool where there is one
// of that size.
func allocate(n int64) []byte {
	switch {
	case n <= smallBuffer:
		return smallBuffers.Get().(*[smallBuffer]byte)[:0]
	case n <= mediumBuffer:
		return mediumBuffers.Get().(*[mediumBuffer]byte)[:0]
	case n <= largeBuffer:
		return largeBuffers.Get().(*[largeBuffer]byte)[:0]
	}
	return make([]byte, 0, n)
}

func release(b []byte) {
	switch b = b[:cap(b)]; len(b) {
	case smallBuffer:
		smallBuffers.Put((*[smallBuffer]byte)(b))
	case mediumBuffer:
		mediumBuffers.Put((*[mediumBuffer]byte)(b))
	case largeBuffer:
		largeBuffers.Put((*[largeBuffer]byte)(b))
	}
}

// buffer holds a body, or a part of one. The zero value is empty.
type buffer struct{ b []byte }

// fill reads until the buffer has limit bytes, and reports whether r has
// ended; one that ends just there may not be known to have ended. The buffer
// grows with what comes, or at once to want bytes if these are more.
func (f *buffer) fill(r io.Reader, limit, want int64) (end bool, err error) {
	for empty := 0; int64(len(f.b)) < limit; {
		if len(f.b) == cap(f.b) {
			f.grow(min(max(8*int64(cap(f.b)), want, smallBuffer), limit))
		}
		n, err := r.Read(f.b[len(f.b):min(int64(cap(f.b)), limit)])
		f.b = f.b[:len(f.b)+n]
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

func (f *buffer) grow(n int64) {
	larger := append(allocate(n), f.b...)
	f.free()
	f.b = larger
}

// free gives the memory back. Nothing may read it any more.
func (f *buffer) free() {
	if f.b != nil {
		release(f.b)
	}
	f.b = nil
}
