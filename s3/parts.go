package s3

import (
	"hash"
	"io"

	"github.com/ltxstore/ltxstore/internal/body"
)

// parts cuts a body for a multipart upload.
type parts interface {
	// memory returns how much of a part of size bytes is in memory.
	memory(size int64) int64

	// next returns the next part of at most size bytes, or io.EOF.
	next(size int64) (piece, error)

	// sum returns the CRC-64 of the whole body once next was io.EOF.
	sum() (uint64, error)
}

// piece is the content of a part. free is called when nothing reads it any more.
type piece struct {
	body io.ReadSeeker
	size int64
	free func()
}

// ranges cuts a source that can be read at several places at once.
type ranges struct {
	src    *body.InPlace
	offset int64
}

func (*ranges) memory(int64) int64 { return 0 }

func (r *ranges) next(size int64) (piece, error) {
	size = min(size, r.src.Size()-r.offset)
	if size == 0 {
		return piece{}, io.EOF
	}
	p := piece{body: r.src.Section(r.offset, size), size: size, free: func() {}}
	r.offset += size
	return p, nil
}

func (r *ranges) sum() (uint64, error) {
	sum, _, err := body.CRC64(r.src.Section(0, r.src.Size()))
	return sum, err
}

// chunks cuts a stream through buffers.
type chunks struct {
	first *body.Buffer // what was read before it was known that the body is large
	rest  io.Reader
	end   bool
	crc   hash.Hash64       // nil if nobody will ask
	idle  chan *body.Buffer // of parts that were sent; its room is as many as can be under way
}

// buffer returns an empty buffer.
func (c *chunks) buffer() *body.Buffer {
	select {
	case b := <-c.idle:
		return b
	default:
		return body.NewPartBuffer()
	}
}

// recycle takes back the buffer of a part that was sent.
func (c *chunks) recycle(b *body.Buffer) {
	b.Reset()
	select {
	case c.idle <- b:
	default:
		b.Free()
	}
}

// close frees what is idle, when no part is under way.
func (c *chunks) close() {
	for len(c.idle) > 0 {
		(<-c.idle).Free()
	}
}

func (*chunks) memory(size int64) int64 { return size }

func (c *chunks) next(size int64) (_ piece, err error) {
	if c.end {
		return piece{}, io.EOF
	}
	b := c.first
	switch {
	case b == nil:
		b = c.buffer()
	case b.Size() <= size:
		c.first = nil
	default:
		// The parts are smaller than what one request could have taken.
		c.rest = body.Drain(b, c.rest)
		b, c.first = body.NewPartBuffer(), nil
	}
	if c.end, err = b.Fill(c.rest, size); err != nil {
		b.Free()
		return piece{}, err
	}
	if b.Size() == 0 {
		return piece{}, io.EOF
	}
	if c.crc != nil {
		b.Sum(c.crc)
	}
	return piece{body: b.Reader(), size: b.Size(), free: func() { c.recycle(b) }}, nil
}

func (c *chunks) sum() (uint64, error) { return c.crc.Sum64(), nil }
