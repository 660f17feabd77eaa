package file

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

const (
	// copyChunk is how much the kernel copies between two looks at the
	// context: large enough to cost nothing, small enough to end promptly.
	copyChunk = 16 << 20

	// bufferSize is how much of another source is gathered for one write.
	// Config.SweepAge tells how it bounds the age of a live temporary.
	bufferSize = 64 << 10
)

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// copyBody writes a body to dst, until io.EOF, and returns how much that was. A
// file is copied by the kernel, where it can, without passing through this
// process.
func copyBody(ctx context.Context, fsys fsys, dst *os.File, body *ltxio.Body) (int64, error) {
	if file, ok := body.Source.(*os.File); ok {
		return copyFile(ctx, fsys, dst, file, body.Size)
	}
	return copyReader(ctx, fsys, dst, body.Reader)
}

// copyFile copies src, which had size bytes when the write began, or -1.
func copyFile(ctx context.Context, fsys fsys, dst, src *os.File, size int64) (total int64, err error) {
	for {
		if err := flow.Err(ctx); err != nil {
			return total, err
		}
		chunk := io.LimitedReader{R: src, N: copyChunk}
		n, err := fsys.readFrom(dst, &chunk)
		total += n
		if err != nil {
			return total, bare("copy body", err)
		}
		if n < copyChunk || size >= 0 && total > size {
			return total, ltxio.CheckSize(size, total)
		}
	}
}

func copyReader(ctx context.Context, fsys fsys, dst *os.File, src io.Reader) (total int64, err error) {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)

	for {
		n, readErr := fill(ctx, buf[:], src)
		if readErr != nil && readErr != io.EOF {
			return total, readErr
		}
		if n > 0 {
			written, err := fsys.write(dst, buf[:n])
			total += int64(written)
			if err != nil {
				return total, bare("write body", err)
			}
		}
		if readErr == io.EOF {
			return total, nil
		}
	}
}

// fill reads until p is full or src fails. The context is looked at before
// each Read.
func fill(ctx context.Context, p []byte, src io.Reader) (n int, err error) {
	for empty := 0; n < len(p) && err == nil; {
		if err := flow.Err(ctx); err != nil {
			return n, err
		}
		var nn int
		nn, err = src.Read(p[n:])
		if nn < 0 || nn > len(p)-n {
			return n, errors.New("body's Read returned an impossible count")
		}
		if n += nn; nn > 0 {
			empty = 0
		} else if empty++; err == nil && empty >= flow.MaxEmptyReads {
			err = io.ErrNoProgress
		}
	}
	return n, err
}
