package gcs

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// checkContent returns an error for an answer of success that is not an object's
// content, or not the range that was asked for.
func checkContent(req *http.Request, resp *http.Response) error {
	h := resp.Header
	if h.Get("X-Goog-Generation") == "" && h.Get("X-Goog-Hash") == "" && h.Get("X-Goog-Stored-Content-Length") == "" {
		return foreign("status is %d without a header that describes an object", resp.StatusCode)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusPartialContent:
		return checkSpan(req.Header.Get("Range"), resp)
	}
	return foreign("status is %d to a request to %s", resp.StatusCode, opRead)
}

// checkSpan compares a Content-Range with the Range that was asked for and with
// the body, which ends where the Content-Range says.
func checkSpan(asked string, resp *http.Response) error {
	told := resp.Header.Get("Content-Range")
	first, last, size, ok := parseSpan(told)
	from, to, _ := strings.Cut(strings.TrimPrefix(asked, "bytes="), "-")
	want, err := strconv.ParseInt(from, 10, 64)
	most, err2 := strconv.ParseInt(to, 10, 64)
	switch {
	case !ok || last < first || last >= size:
		return foreign("Content-Range is %.100q", told)
	case err != nil:
		return foreign("Content-Range is %q, and no range was asked for", told)
	case first != want:
		return foreign("Content-Range is %q: want it to start at %d", told, want)
	case err2 == nil && last > most:
		return foreign("Content-Range is %q: want it to end at %d", told, most)
	case resp.ContentLength >= 0 && resp.ContentLength != last-first+1:
		return foreign("the answer has %d bytes, its Content-Range is %q", resp.ContentLength, told)
	}
	resp.Body = &spanned{ReadCloser: resp.Body, left: last - first + 1}
	return nil
}

// parseSpan parses a Content-Range of a known size: "bytes 0-9/100".
func parseSpan(header string) (first, last, size int64, ok bool) {
	spec, ok1 := strings.CutPrefix(strings.TrimSpace(header), "bytes ")
	span, whole, ok2 := strings.Cut(spec, "/")
	from, to, ok3 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size, err3 := strconv.ParseInt(whole, 10, 64)
	return first, last, size, ok1 && ok2 && ok3 && err1 == nil && err2 == nil && err3 == nil && first >= 0
}

// spanned is a body that may not be longer than its Content-Range.
type spanned struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader. It never returns more than was announced.
func (s *spanned) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if int64(n) > s.left {
		n, err = int(s.left), foreign("the body is longer than its Content-Range")
	}
	s.left -= int64(n)
	return n, err
}
