package ltxio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/superfly/ltx"
)

// Check decodes a file as it passes, in the memory of a page. The decoder wants to
// read, and here it is fed: it is a coroutine, which runs while it has bytes and
// ends with Stop at the latest. A transport may still read a body when its write
// has failed, which the mutex is for.
type Check struct {
	mu   sync.Mutex
	more func() (struct{}, bool)
	halt func()

	bytes []byte // not decoded yet
	end   bool   // none follow
	done  bool
	err   error
}

var errStopped = errors.New("the check was stopped")

// NewCheck checks a file of those transactions. Content that does not begin as an
// LTX file passes if others is true.
func NewCheck(minTXID, maxTXID ltx.TXID, others bool) *Check {
	c := new(Check)
	c.more, c.halt = iter.Pull(func(yield func(struct{}) bool) {
		c.err = check(readFunc(func(p []byte) (int, error) {
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
		}), minTXID, maxTXID, others)
	})
	return c
}

// Feed decodes the file's next bytes, the last if end is true. It returns what is
// wrong with the file as far as it has passed, a *DamageError.
func (c *Check) Feed(b []byte, end bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		c.bytes, c.end = b, end
		_, more := c.more()
		c.done = !more
	}
	return c.err
}

// Stop ends the check. What is fed after that is not passed on.
func (c *Check) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.halt()
	if c.err == nil && !c.done {
		c.err = errStopped
	}
	c.done = true
}

// check reads a file to its end.
func check(r io.Reader, minTXID, maxTXID ltx.TXID, others bool) error {
	head := make([]byte, len(ltx.Magic))
	n, err := ReadFull(r, head)
	if err != nil && err != io.EOF {
		return err
	}
	if head = head[:n]; string(head) != ltx.Magic {
		if !others {
			return &DamageError{Err: errors.New("file does not begin as an LTX file"), Size: int64(n)}
		}
		_, err := io.Copy(io.Discard, r)
		return err
	}
	_, _, err = Decode(io.MultiReader(bytes.NewReader(head), r), func(hdr ltx.Header) error {
		if hdr.MinTXID != minTXID || hdr.MaxTXID != maxTXID {
			return &DamageError{Err: fmt.Errorf("file is of another name, %s", ltx.FormatFilename(hdr.MinTXID, hdr.MaxTXID))}
		}
		return nil
	}, nil)
	return err
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// CheckedReader reads R and fails with a *DamageError where Check finds it
// damaged, before its end at the latest. The caller stops the Check.
type CheckedReader struct {
	R     io.Reader
	Check *Check
}

// Read implements io.Reader.
func (c *CheckedReader) Read(p []byte) (int, error) {
	n, err := c.R.Read(p)
	if err == nil || err == io.EOF {
		if damage := c.Check.Feed(p[:n], err == io.EOF); damage != nil {
			return 0, damage
		}
	}
	return n, err
}
