package rangeio

import "io"

// WrapErrors returns body with every failure of a Read, io.EOF excepted,
// passed through wrap: it is where a backend names the file.
func WrapErrors(body io.ReadCloser, wrap func(error) error) io.ReadCloser {
	return &wrapped{ReadCloser: body, wrap: wrap}
}

type wrapped struct {
	io.ReadCloser
	wrap func(error) error
}

// Read implements io.Reader.
func (w *wrapped) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = w.wrap(err)
	}
	return n, err
}
