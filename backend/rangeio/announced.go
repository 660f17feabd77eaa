package rangeio

import (
	"errors"
	"io"
)

// errExcess is the error of a body that is not what its header says: which of
// its bytes are those of the range, nobody can tell.
var errExcess = errors.New("body is longer than its Content-Range announces")

// Announced returns body, whose Content-Range announces n bytes, so that more
// than these are an error: after the last of them, a Read finds out whether the
// body ends.
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
