package object

import (
	"bytes"
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// cutter splits a content into parts. next must be called by one goroutine at a time; a
// piece's free may be called by any.
type cutter struct {
	c      *content
	offset int64
	rest   io.Reader // of a stream

	mu   sync.Mutex
	idle []flow.Buffer // of parts that were sent, for the next ones
}

// piece is the content of a part. At the end, size is 0. free must be called when the
// piece is no longer read.
type piece struct {
	open func() io.ReadSeeker
	size int64
	free func()
}

// memory returns how much of a part of size bytes is in memory.
func (c *cutter) memory(size int64) int64 {
	if c.c.src.at != nil {
		return 0
	}
	return size
}

// next returns the next part of at most size bytes.
func (c *cutter) next(size int64) (piece, error) {
	if c.c.src.at != nil {
		offset := c.offset
		n := min(size, c.c.size-offset)
		c.offset += n
		return piece{open: func() io.ReadSeeker { return io.NewSectionReader(c.c.src, offset, n) }, size: n, free: func() {}}, nil
	}
	b, err := c.fill(size)
	if err != nil {
		b.Free()
		return piece{}, err
	}
	if c.c.hash != nil {
		c.c.hash.Write(b.B)
	}
	return piece{open: func() io.ReadSeeker { return bytes.NewReader(b.B) }, size: int64(len(b.B)), free: func() { c.recycle(b) }}, nil
}

// fill returns a buffer with the next size bytes, or fewer at the end.
func (c *cutter) fill(size int64) (b flow.Buffer, err error) {
	first := &c.c.first
	switch {
	case c.rest == nil && int64(len(first.B)) <= size:
		// The start of the body, which is already in memory, becomes the first part.
		b, *first = *first, flow.Buffer{}
		c.rest = c.c.src
	case c.rest == nil:
		c.rest, c.c.end = c.c.drain(), false
	}
	if b.B == nil {
		b = c.reuse()
	}
	if !c.c.end {
		c.c.end, err = b.Fill(c.rest, size, size)
	}
	return b, err
}

func (c *cutter) reuse() flow.Buffer {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return flow.Buffer{}
	}
	b := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return b
}

func (c *cutter) recycle(b flow.Buffer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, flow.Buffer{B: b.B[:0]})
}

// free releases the idle buffers after all parts were sent.
func (c *cutter) free() {
	for i := range c.idle {
		c.idle[i].Free()
	}
	c.idle = nil
}
