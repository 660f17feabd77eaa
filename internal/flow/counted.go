package flow

import "github.com/superfly/ltx"

// Counted returns an iterator over files that calls done once, when it is closed, with the number
// of files that it returned and the error of Close.
func Counted(files ltx.FileIterator, done func(n int, err error)) ltx.FileIterator {
	return &counted{FileIterator: files, done: done}
}

type counted struct {
	ltx.FileIterator
	done func(n int, err error) // nil after the call
	n    int
}

// Next implements ltx.FileIterator.
func (c *counted) Next() bool {
	if !c.FileIterator.Next() {
		return false
	}
	c.n++
	return true
}

// Close implements io.Closer.
func (c *counted) Close() error {
	err := c.FileIterator.Close()
	if c.done != nil {
		c.done(c.n, err)
		c.done = nil
	}
	return err
}
