package object

import (
	"io"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// cutter splits a content into parts.
type cutter struct {
	c      *content
	offset int64
	rest   io.Reader // of a stream
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
		_, _ = b.WriteTo(c.c.hash) // which never fails
	}
	return piece{open: b.Reader, size: b.Len(), free: b.Free}, nil
}

// fill returns a buffer with the next size bytes, or fewer at the end.
func (c *cutter) fill(size int64) (b *flow.Buffer, err error) {
	b = new(flow.Buffer)
	first := &c.c.first
	switch {
	case c.rest == nil && first.Len() <= size:
		// The start of the body, which is already in memory, becomes the first part.
		*b, *first = *first, flow.Buffer{}
		c.rest = c.c.src
	case c.rest == nil:
		c.rest, c.c.end = c.c.drain(), false
	}
	if !c.c.end {
		c.c.end, err = b.Fill(c.rest, size, size)
	}
	return b, err
}
