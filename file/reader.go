package file

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// copyChunk is how many bytes the kernel copies before the context is checked again.
const copyChunk = 16 << 20

// reader reads a range of a file.
type reader struct {
	ctx  context.Context
	file *os.File
	left int64 // bytes of the range

	dir, name string // for errors
	closed    atomic.Bool
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.usable(); err != nil {
		return 0, err
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.file.Read(p)
	r.left -= int64(n)
	if err == io.EOF {
		return n, r.short()
	}
	if err != nil {
		return n, r.fail(bare("read", err))
	}
	return n, nil
}

// WriteTo implements io.WriterTo. It checks the context every 16 MiB, or before each
// read if w is no io.ReaderFrom.
func (r *reader) WriteTo(w io.Writer) (total int64, err error) {
	to, ok := w.(io.ReaderFrom)
	if !ok {
		return flow.Copy(w, r)
	}
	if err := r.usable(); err != nil {
		return 0, err
	}
	for r.left > 0 {
		if err := r.usable(); err != nil {
			return total, err
		}
		chunk := io.LimitedReader{R: r.file, N: min(copyChunk, r.left)}
		want := chunk.N
		n, err := to.ReadFrom(&chunk)
		total += n
		r.left -= want - chunk.N
		if err != nil {
			return total, r.fail(fmt.Errorf("copy: %w", err))
		}
		if chunk.N > 0 {
			return total, r.short()
		}
	}
	return total, nil
}

// Close implements io.Closer. It always returns nil and may be called repeatedly.
func (r *reader) Close() error {
	if !r.closed.Swap(true) {
		r.file.Close() // nothing was written: nothing can be lost
	}
	return nil
}

func (r *reader) usable() error {
	if r.closed.Load() {
		return r.fail(fs.ErrClosed)
	}
	if err := flow.Err(r.ctx); err != nil {
		return r.fail(err)
	}
	return nil
}

// short is the error of a file that was truncated after it was opened.
func (r *reader) short() error {
	return r.fail(fmt.Errorf("file ends %d bytes before the end that it had: %w", r.left, io.ErrUnexpectedEOF))
}

// fail makes the *ltxstore.Error of a failed read.
func (r *reader) fail(err error) error {
	return &ltxstore.Error{Op: "read", Backend: typeName, Key: r.dir + "/" + r.name, Kind: kindOf(err), Err: err}
}
