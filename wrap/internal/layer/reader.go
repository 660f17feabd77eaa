package layer

import (
	"fmt"
	"io"
	"io/fs"
)

// ErrClosed is the error of reading a closed reader.
var ErrClosed = fmt.Errorf("read after close: %w", fs.ErrClosed)

// Reader returns a reader that calls read, and has the Seek or Len method of r, so that a
// backend can send it in one request without a buffer, and again after a failure.
func Reader(r io.Reader, read func(p []byte) (int, error)) io.Reader {
	if seeker, ok := r.(io.Seeker); ok {
		return &seekable{readFunc(read), seeker}
	}
	if sized, ok := r.(interface{ Len() int }); ok {
		return Sized(readFunc(read), int64(sized.Len()))
	}
	return readFunc(read)
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

type seekable struct {
	readFunc
	io.Seeker
}
