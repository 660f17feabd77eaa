package object

import (
	"bytes"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// content is a body that is to be stored, in one of three forms: small, in
// memory as a whole; in a file that can be read at any place; or a stream, of
// which the beginning is in memory.
type content struct {
	src   *source
	whole bool        // memory or the file has all of it, as long as the write lasts
	size  int64       // -1 if that is not known
	first flow.Buffer // all of a small body, or the beginning of a stream
	end   bool        // src has ended
	hash  hash.Hash   // of a stream, as far as it was read
	sums  []byte      // of the whole, once it is known
}

// errEmpty is the error of a body without a byte (clause W5).
var errEmpty = fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)

// take reads as much of a body as it takes to know its form: of one that is
// not in a file, at most limit bytes and one more. check is given the first
// ltx.HeaderSize bytes, or all there are, before anything else is read. The
// content must be freed, even if there is an error.
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
		case len(c.first.B) == 0:
			return c, errEmpty
		case i == 0:
			if err := check(c.first.B); err != nil {
				return c, err
			}
		}
	}
	if c.end {
		c.size = int64(len(c.first.B))
		c.whole = c.size <= limit // what is larger is sent, and freed, in parts
	}
	return c, nil
}

// fits reports whether the content goes in one request.
func (c *content) fits(limit int64) bool { return c.whole && c.size <= limit }

// open returns a reader of the whole content.
func (c *content) open() io.ReadSeeker {
	if c.src.at != nil {
		return io.NewSectionReader(c.src, 0, c.size)
	}
	return bytes.NewReader(c.first.B)
}

// stream returns a reader of what has not been read yet of the content as a
// whole, which it sums.
func (c *content) stream() io.Reader {
	var r io.Reader = c.src
	switch {
	case c.src.at != nil:
		r = io.NewSectionReader(c.src, 0, c.size)
	case len(c.first.B) > 0:
		r = c.drain()
	}
	if c.hash == nil {
		return r
	}
	return io.TeeReader(r, c.hash)
}

// drain returns a reader of the beginning, which it frees, and of the rest.
func (c *content) drain() io.Reader {
	if c.end {
		return flow.Drain(&c.first, nil)
	}
	return flow.Drain(&c.first, c.src)
}

// sum returns the hash of the whole content: that of a stream when all of it
// has been read.
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
