package gcs

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// checkContent returns an error for an answer of success that is not an object's
// content, or not the range that was asked for.
func (s *sending) checkContent(req *http.Request, resp *http.Response) error {
	h := resp.Header
	if h.Get("X-Goog-Generation") == "" && h.Get("X-Goog-Hash") == "" && h.Get("X-Goog-Stored-Content-Length") == "" {
		return foreign("status is %d without a header that describes an object", resp.StatusCode)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusPartialContent:
		return s.checkSpan(req.Header.Get("Range"), resp)
	}
	return foreign("status is %d to a request to %s", resp.StatusCode, opRead)
}

// checkSpan compares a Content-Range with the Range that was asked for and with
// the body, which ends where the Content-Range says.
func (s *sending) checkSpan(asked string, resp *http.Response) error {
	told := excerpt(resp.Header.Get("Content-Range"), s.secrets)
	first, last, size, ok := parseSpan(resp.Header.Get("Content-Range"))
	from, to, _ := strings.Cut(strings.TrimPrefix(asked, "bytes="), "-")
	want, err := strconv.ParseInt(from, 10, 64)
	most, err2 := strconv.ParseInt(to, 10, 64)
	switch {
	case !ok || last < first || last >= size:
		return foreign("Content-Range is %s", told)
	case err != nil:
		return foreign("Content-Range is %s, and no range was asked for", told)
	case first != want:
		return foreign("Content-Range is %s: want it to start at %d", told, want)
	case err2 == nil && last > most:
		return foreign("Content-Range is %s: want it to end at %d", told, most)
	case resp.ContentLength >= 0 && resp.ContentLength != last-first+1:
		return foreign("the answer has %d bytes, its Content-Range is %s", resp.ContentLength, told)
	}
	resp.Body = rangeio.Announced(resp.Body, last-first+1)
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
