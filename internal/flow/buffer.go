package flow

import (
	"bytes"
	"io"
	"sync"
)

// The sizes of blocks. A buffer's first block grows through them: the first size holds a typical
// transaction, and each is a multiple of the previous one, so that little is copied. All other
// blocks are large.
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

// allocate returns a block for n bytes, or a large one if that is more.
func allocate(n int64) []byte {
	switch {
	case n <= smallBuffer:
		return smallBuffers.Get().(*[smallBuffer]byte)[:0]
	case n <= mediumBuffer:
		return mediumBuffers.Get().(*[mediumBuffer]byte)[:0]
	}
	return largeBuffers.Get().(*[largeBuffer]byte)[:0]
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

// Buffer holds a body, or part of one, in memory from pools. The zero value is empty.
type Buffer struct {
	// B are the first bytes: all if there are at most 512 KiB.
	B []byte

	more [][]byte // the blocks after B, which is then large and full, as are all but the last
}

// Fill reads until the buffer has limit bytes, and reports whether r is known to have ended. The
// buffer grows as bytes arrive; want is how many are expected, or 0.
func (f *Buffer) Fill(r io.Reader, limit, want int64) (end bool, err error) {
	for empty := 0; f.Len() < limit; {
		last := f.last(want)
		b := *last
		n, err := r.Read(b[len(b):min(int64(cap(b)), int64(len(b))+limit-f.Len())])
		*last = b[:len(b)+n]
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

// last returns the last block, which is not full.
func (f *Buffer) last(want int64) *[]byte {
	n := len(f.more)
	switch {
	case len(f.B) < cap(f.B):
		return &f.B
	case cap(f.B) < largeBuffer:
		larger := append(allocate(max(8*int64(cap(f.B)), want)), f.B...)
		release(f.B)
		f.B = larger
		return &f.B
	case n == 0 || len(f.more[n-1]) == largeBuffer:
		f.more = append(f.more, allocate(largeBuffer))
		n++
	}
	return &f.more[n-1]
}

// Len returns how many bytes the buffer has.
func (f *Buffer) Len() int64 {
	n := len(f.more)
	if n == 0 {
		return int64(len(f.B))
	}
	return int64(n)*largeBuffer + int64(len(f.more[n-1]))
}

// Reader returns a new reader of the buffer, which is an io.ReaderAt.
func (f *Buffer) Reader() io.ReadSeeker {
	if len(f.more) == 0 {
		return bytes.NewReader(f.B)
	}
	return io.NewSectionReader(f, 0, f.Len())
}

// ReadAt implements io.ReaderAt.
func (f *Buffer) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		block := f.B
		if i := offset / largeBuffer; i > int64(len(f.more)) {
			return n, io.EOF
		} else if i > 0 {
			block = f.more[i-1]
		}
		at := offset % largeBuffer
		if at >= int64(len(block)) {
			return n, io.EOF
		}
		copied := copy(p[n:], block[at:])
		n += copied
		offset += int64(copied)
	}
	return n, nil
}

// WriteTo implements io.WriterTo.
func (f *Buffer) WriteTo(w io.Writer) (total int64, err error) {
	for _, block := range append([][]byte{f.B}, f.more...) {
		n, err := w.Write(block)
		if total += int64(n); err != nil {
			return total, err
		}
	}
	return total, nil
}

// Free returns the memory to the pools. It must not be read any more.
func (f *Buffer) Free() {
	release(f.B)
	for _, block := range f.more {
		release(block)
	}
	*f = Buffer{}
}

// shift frees the first block.
func (f *Buffer) shift() {
	release(f.B)
	f.B = nil
	if len(f.more) > 0 {
		f.B, f.more = f.more[0], f.more[1:]
	}
}

// Drain returns a reader of the buffer's content, followed by rest, which may be nil. It frees each
// block of the buffer once it has been read.
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
			d.first.shift()
			d.read = 0
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
