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

// Check verifies a file while it is transferred, in the memory of one page. The decoder reads its
// input, and Feed is called with it, so that the decoder is a coroutine; Stop ends it. The mutex
// guards against a transport that still reads a body after its write has failed.
type Check struct {
	mu   sync.Mutex
	more func() (struct{}, bool)
	halt func()

	bytes []byte // not decoded yet
	end   bool   // there are no more
	done  bool
	err   error
}

var errStopped = errors.New("check was stopped")

// NewCheck returns a Check of a file of those transactions. If others is true, content that does not
// begin like an LTX file is accepted.
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

// Feed decodes the next bytes of the file; end is true with the last ones. It returns a *DamageError
// if damage was found so far.
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

// Stop ends the check. Feed must not be called afterwards, and would fail.
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
			return &DamageError{Err: errors.New("file does not begin like an LTX file"), Size: int64(n)}
		}
		_, err := io.Copy(io.Discard, r)
		return err
	}
	_, _, err = Decode(io.MultiReader(bytes.NewReader(head), r), func(hdr ltx.Header) error {
		if hdr.MinTXID != minTXID || hdr.MaxTXID != maxTXID {
			return &DamageError{Err: fmt.Errorf("header belongs to another file, %s", ltx.FormatFilename(hdr.MinTXID, hdr.MaxTXID))}
		}
		return nil
	}, nil)
	return err
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// CheckedReader reads from R, and fails with a *DamageError if Check finds damage, at the latest at
// the end. The caller must stop the Check.
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
