package gcs

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// checkContent returns an error if a successful response is not an object's
// content, or not the requested range.
func (s *sending) checkContent(req *http.Request, resp *http.Response) error {
	h := resp.Header
	if h.Get("X-Goog-Generation") == "" && h.Get("X-Goog-Hash") == "" && h.Get("X-Goog-Stored-Content-Length") == "" {
		return transport.Foreign("status %d without the headers of an object", resp.StatusCode)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		// The library takes an unknown length for a checksum that does not match.
		if stored, err := strconv.ParseInt(h.Get("X-Goog-Stored-Content-Length"), 10, 64); err == nil && resp.ContentLength < 0 {
			resp.ContentLength = stored
			resp.Body = &whole{resp.Body, stored}
		}
		return nil
	case http.StatusPartialContent:
		return s.checkRange(req.Header.Get("Range"), resp)
	}
	return transport.Foreign("status %d to a request to %s", resp.StatusCode, opRead)
}

// checkRange compares a Content-Range with the requested Range and with the
// length of the body.
func (s *sending) checkRange(asked string, resp *http.Response) error {
	told := resp.Header.Get("Content-Range")
	from, to, _ := strings.Cut(strings.TrimPrefix(asked, "bytes="), "-")
	offset, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return transport.Foreign("Content-Range %s, but no range was requested", excerpt(told, s.secrets))
	}
	size := int64(0)
	if last, err := strconv.ParseInt(to, 10, 64); err == nil {
		size = last - offset + 1
	}
	n, total, err := rangeio.CheckContentRange(told, offset, size)
	switch {
	case err != nil:
		return transport.Foreign("%.200s", s.secrets.Text(err.Error()))
	case total < 0:
		return transport.Foreign("Content-Range %s without the object's size", excerpt(told, s.secrets))
	case resp.ContentLength >= 0 && resp.ContentLength != n:
		return transport.Foreign("body of %d bytes with the Content-Range %s", resp.ContentLength, excerpt(told, s.secrets))
	}
	resp.Body = rangeio.Announced(resp.Body, n)
	if resp.ContentLength < 0 {
		resp.ContentLength = n
	}
	return nil
}

// isStoredCompressed reports whether an object was compressed before it was stored.
func isStoredCompressed(h http.Header) bool {
	stored := h.Get("X-Goog-Stored-Content-Encoding")
	return stored != "" && stored != "identity"
}

// whole is a body that fails if it ends before n bytes.
type whole struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (w *whole) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if w.left -= int64(n); err == io.EOF && w.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
