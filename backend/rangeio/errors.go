package rangeio

import "io"

// WrapErrors returns body with every error of Read except io.EOF passed through wrap. A
// backend uses it to add the name of the file.
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
