package layer

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/superfly/ltx"
)

// Count counts the bytes read from a body. sent returns the count when the write has
// returned info, or nil if it failed.
//
// A body that a backend reads in place, or the kernel copies, is passed on as it is. Its
// count is the size of the stored file or, after a failure, how far the body's offset
// has moved.
func Count(r io.Reader) (body io.Reader, sent func(info *ltx.FileInfo) int64) {
	switch r := r.(type) {
	case *os.File, *bytes.Reader, *strings.Reader:
		seeker := r.(io.Seeker)
		start, err := seeker.Seek(0, io.SeekCurrent)
		if err != nil { // a pipe
			break
		}
		return r, func(info *ltx.FileInfo) int64 {
			if info != nil {
				return info.Size
			}
			end, err := seeker.Seek(0, io.SeekCurrent)
			if err != nil {
				return 0
			}
			return max(0, end-start)
		}
	case nil:
		return nil, func(*ltx.FileInfo) int64 { return 0 }
	}
	var n atomic.Int64
	body = Body(r, r.Read, func(fresh int) error {
		n.Add(int64(fresh))
		return nil
	})
	return body, func(*ltx.FileInfo) int64 { return n.Load() }
}

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
