package verify

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// check decodes a file as it passes, in the memory of a page. The decoder wants to
// read, and here it is fed: it is a coroutine, which runs while it has bytes and
// ends with stop at the latest. A transport may still read a body when its write
// has failed, which the mutex is for.
type check struct {
	mu   sync.Mutex
	more func() (struct{}, bool)
	halt func()

	bytes []byte // not decoded yet
	end   bool   // none follow
	done  bool
	err   error
}

var errStopped = errors.New("the check was stopped")

// newCheck checks a file of that name. Other content passes if others is true.
func newCheck(f codec.File, others bool) *check {
	c := new(check)
	c.more, c.halt = iter.Pull(func(yield func(struct{}) bool) {
		c.err = decode(readFunc(func(p []byte) (int, error) {
			for len(c.bytes) == 0 {
				if c.end {
					return 0, io.EOF
				}
				if !yield(struct{}{}) {
					return 0, errStopped
				}
			}
			n := copy(p, c.bytes)
			c.bytes = c.bytes[n:]
			return n, nil
		}), f, others)
	})
	return c
}

// feed decodes the file's next bytes, the last if end is true. It returns what is
// wrong with the file as far as it has passed.
func (c *check) feed(b []byte, end bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		c.bytes, c.end = b, end
		_, more := c.more()
		c.done = !more
	}
	return c.err
}

// stop ends the check. What is fed after that is not passed on.
func (c *check) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
	if c.err == nil && !c.done {
		c.err = errStopped
	}
	c.done = true
}

// decode reads a file to its end. Its errors are of kind ErrChecksum.
func decode(r io.Reader, f codec.File, others bool) error {
	head := make([]byte, len(ltx.Magic))
	n, err := ltxio.ReadFull(r, head)
	if err != nil && err != io.EOF {
		return err
	}
	if head = head[:n]; string(head) != ltx.Magic {
		if !others {
			return codec.Corrupt("it does not begin as an LTX file")
		}
		_, err := io.Copy(io.Discard, r)
		return err
	}
	_, _, err = ltxio.Decode(io.MultiReader(bytes.NewReader(head), r), func(hdr ltx.Header) error {
		if hdr.MinTXID != f.MinTXID || hdr.MaxTXID != f.MaxTXID {
			return codec.Corrupt("it is a file of another name, %s", ltx.FormatFilename(hdr.MinTXID, hdr.MaxTXID))
		}
		return nil
	}, nil)
	if damage := new(ltxio.DamageError); errors.As(err, &damage) {
		return codec.Corrupt("it is no whole LTX file: %w", err)
	}
	return err
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
