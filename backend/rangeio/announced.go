package rangeio

import (
	"errors"
	"io"
)

// errExcess is the error of a body that does not match its header, so that it is unknown
// which bytes are those of the range.
var errExcess = errors.New("body is longer than its Content-Range announces")

// Announced returns body, which should have n bytes according to its Content-Range, and
// fails if it has more. This is detected by the Read after the last of these bytes.
func Announced(body io.ReadCloser, n int64) io.ReadCloser {
	return &announced{ReadCloser: body, left: n}
}

type announced struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (a *announced) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if a.left > 0 {
		n, err := a.ReadCloser.Read(p[:min(int64(len(p)), a.left)])
		a.left -= int64(n)
		return n, err
	}
	var excess [1]byte
	n, err := a.ReadCloser.Read(excess[:])
	if n > 0 {
		return 0, errExcess
	}
	return 0, err
}
