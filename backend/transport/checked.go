package transport

import (
	"io"
	"net/http"
)

// Checked sends requests by Next, and lets no answer pass that Check refuses: an
// SDK takes any success for the service's own, and reads all of an answer into
// memory.
type Checked struct {
	Next http.RoundTripper

	// Check returns how many bytes the answer's body may have, 0 for any number,
	// or the error of the request.
	Check func(req *http.Request, resp *http.Response) (limit int64, err error)

	// TooLong is the error of a body that is longer.
	TooLong error
}

// RoundTrip implements http.RoundTripper.
func (c *Checked) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.Next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	limit, err := c.Check(req, resp)
	switch {
	case err != nil:
		resp.Body.Close()
		return nil, err
	case limit > 0:
		resp.Body = Bound(resp.Body, limit, c.TooLong)
	}
	return resp, nil
}

// Bound returns body, which fails with err after n bytes.
func Bound(body io.ReadCloser, n int64, err error) io.ReadCloser { return &bound{body, n, err} }

type bound struct {
	io.ReadCloser
	left int64
	err  error
}

// Read implements io.Reader.
func (b *bound) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
