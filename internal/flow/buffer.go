package flow

import (
	"io"
	"sync"
)

// The sizes of a growing buffer. The first holds a typical transaction. Each is a multiple of the
// previous one, so that a body is copied little more than once in total.
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

// allocate returns memory for at least n bytes, from a pool if there is one of that size.
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

// Buffer holds a body, or part of one, in memory from a pool. The zero value is empty.
type Buffer struct{ B []byte }

// Fill reads until the buffer has limit bytes, and reports whether r is known to have ended. The
// buffer starts with want bytes of memory, and grows as bytes arrive.
func (f *Buffer) Fill(r io.Reader, limit, want int64) (end bool, err error) {
	for empty := 0; int64(len(f.B)) < limit; {
		if len(f.B) == cap(f.B) {
			f.grow(min(max(8*int64(cap(f.B)), want, smallBuffer), limit))
		}
		n, err := r.Read(f.B[len(f.B):min(int64(cap(f.B)), limit)])
		f.B = f.B[:len(f.B)+n]
		switch {
		case err == io.EOF:
			return true, nil
		case err != nil:
			return false, err
		case n > 0:
			empty = 0
		case empty == MaxEmptyReads:
			return false, io.ErrNoProgress
		default:
			empty++
		}
	}
	return false, nil
}

func (f *Buffer) grow(n int64) {
	larger := append(allocate(n), f.B...)
	f.Free()
	f.B = larger
}

// Free returns the memory to the pool. The content must not be used afterwards.
func (f *Buffer) Free() {
	release(f.B)
	f.B = nil
}

// Drain returns a reader of the buffer's content, followed by rest, which may be nil. It frees the
// buffer once its content has been read.
func Drain(first *Buffer, rest io.Reader) io.Reader { return &drain{first: first, rest: rest} }

type drain struct {
	first *Buffer
	read  int
	rest  io.Reader
}

// Read implements io.Reader.
func (d *drain) Read(b []byte) (int, error) {
	switch {
	case d.first.B != nil:
		n := copy(b, d.first.B[d.read:])
		if d.read += n; d.read == len(d.first.B) {
			d.first.Free()
		}
		return n, nil
	case d.rest == nil:
		return 0, io.EOF
	}
	return d.rest.Read(b)
}

// Copy is io.Copy with memory from the pool, and uses no methods but Read and Write.
func Copy(w io.Writer, r io.Reader) (int64, error) {
	buf := mediumBuffers.Get().(*[mediumBuffer]byte)
	plain := plainPairs.Get().(*plainPair)
	plain.w.Writer, plain.r.Reader = w, r
	defer func() {
		*plain = plainPair{}
		plainPairs.Put(plain)
		mediumBuffers.Put(buf)
	}()
	return io.CopyBuffer(&plain.w, &plain.r, buf[:])
}

// plainPair hides all methods but Write and Read.
type plainPair struct {
	w struct{ io.Writer }
	r struct{ io.Reader }
}

var plainPairs = sync.Pool{New: func() any { return new(plainPair) }}
