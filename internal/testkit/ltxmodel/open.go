package ltxmodel

import (
	"io"
	"sync"
)

// Open counts the readers that are open. The zero value is ready to use. It is
// safe for concurrent use.
type Open struct {
	mu      sync.Mutex
	n, most int
}

// Count counts a reader, if err is nil, until it is closed.
func (o *Open) Count(rc io.ReadCloser, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	o.add(1)
	return &counted{rc, sync.OnceFunc(func() { o.add(-1) })}, nil
}

// Now returns the number of readers that are open.
func (o *Open) Now() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.n
}

// Most returns the maximum number of readers that were open at the same time.
func (o *Open) Most() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.most
}

func (o *Open) add(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n += n
	o.most = max(o.most, o.n)
}

type counted struct {
	io.ReadCloser
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.ReadCloser.Close()
}
