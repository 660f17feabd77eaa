package object

import (
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// content is a body to be stored, in one of three forms: a small one in memory; a file
// that can be read at any offset; or a stream, whose start is in memory.
type content struct {
	src   *source
	whole bool        // all of it is available during the write, in memory or a file
	size  int64       // -1 if unknown
	first flow.Buffer // all of a small body, or the start of a stream
	end   bool        // src has ended
	hash  hash.Hash   // of a stream, as far as read
	sums  []byte      // of the whole, once known
}

// errEmpty is the error of an empty body (clause W5).
var errEmpty = fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)

// take reads as much of a body as is needed to determine its form: if it is not a
// file, at most limit+1 bytes. It calls check with the first ltx.HeaderSize bytes, or
// all if there are fewer, before it reads more. The content must be freed, even if
// there is an error.
func take(src *source, limit int64, check func(first []byte) error) (c *content, err error) {
	c = &content{src: src, size: src.size}
	if src.at != nil {
		var first [ltx.HeaderSize]byte
		n, err := src.ReadAt(first[:min(src.size, ltx.HeaderSize)], 0)
		if err != nil && err != io.EOF {
			return c, err
		}
		c.whole = true
		return c, check(first[:n])
	}
	for i, upTo := range []int64{ltx.HeaderSize, limit + 1} {
		if !c.end {
			if c.end, err = c.first.Fill(src, upTo, min(src.size, limit)+1); err != nil {
				return c, err
			}
		}
		switch {
		case c.first.Len() == 0:
			return c, errEmpty
		case i == 0:
			if err := check(c.first.B); err != nil {
				return c, err
			}
		}
	}
	if c.end {
		c.size = c.first.Len()
		c.whole = c.size <= limit // larger bodies are sent, and freed, in parts
	}
	return c, nil
}

// fits reports whether the content fits in one request.
func (c *content) fits(limit int64) bool { return c.whole && c.size <= limit }

// open returns a reader of the whole content.
func (c *content) open() io.ReadSeeker {
	if c.src.at != nil {
		return io.NewSectionReader(c.src, 0, c.size)
	}
	return c.first.Reader()
}

// stream returns a reader of the whole content, which it adds to the hash.
func (c *content) stream() io.Reader {
	var r io.Reader = c.src
	switch {
	case c.src.at != nil:
		r = io.NewSectionReader(c.src, 0, c.size)
	case c.first.Len() > 0:
		r = c.drain()
	}
	if c.hash == nil {
		return r
	}
	return io.TeeReader(r, c.hash)
}

// drain returns a reader of the start, which it frees, and of the rest.
func (c *content) drain() io.Reader {
	if c.end {
		return flow.Drain(&c.first, nil)
	}
	return flow.Drain(&c.first, c.src)
}

// sum returns the hash of the whole content. A stream must have been read completely.
func (c *content) sum(h hash.Hash) ([]byte, error) {
	switch {
	case c.sums != nil:
		return c.sums, nil
	case !c.whole:
		return c.hash.Sum(nil), nil
	}
	n, err := newBody(c.open(), c.size).WriteTo(h)
	if err == nil {
		err = ltxio.CheckSize(c.size, n)
	}
	if err != nil {
		return nil, err
	}
	c.sums = h.Sum(nil)
	return c.sums, nil
}

func (c *content) free() { c.first.Free() }
