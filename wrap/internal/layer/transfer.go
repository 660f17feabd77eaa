package layer

import (
	"cmp"
	"io"
	"sync"
	"sync/atomic"
)

// Transfer returns a reader of rc that calls done once, when it is closed, with the number of
// bytes read and the first error of Read or Close.
func Transfer(rc io.ReadCloser, done func(n int64, err error)) io.ReadCloser {
	return &transfer{rc: rc, done: done}
}

type transfer struct {
	rc   io.ReadCloser
	done func(n int64, err error)

	n     atomic.Int64
	mu    sync.Mutex
	err   error
	ended bool
}

// Read implements io.Reader.
func (t *transfer) Read(p []byte) (int, error) {
	n, err := t.rc.Read(p)
	t.n.Add(int64(n))
	if err != nil && err != io.EOF {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.err = cmp.Or(t.err, err)
	}
	return n, err
}

// Close implements io.Closer.
func (t *transfer) Close() error {
	err := t.rc.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.ended = true
		t.done(t.n.Load(), cmp.Or(t.err, err))
	}
	return err
}
