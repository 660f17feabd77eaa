package gcs

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// chunk is a part of a resumable upload: the bytes from first to before end.
type chunk struct {
	first, end int64
	total      int64 // size of the upload, known in its last chunk; otherwise -1
}

// parseChunk parses the Content-Range of a request: "bytes 0-9/*" in the middle
// of an upload, "bytes 0-9/10" at its end, and "bytes */10" where the end has no
// bytes.
func parseChunk(header string) (c chunk, ok bool) {
	spec, ok := strings.CutPrefix(header, "bytes ")
	span, whole, _ := strings.Cut(spec, "/")
	c.total = -1
	var err error
	if whole != "*" {
		if c.total, err = strconv.ParseInt(whole, 10, 64); err != nil {
			return chunk{}, false
		}
	}
	if span == "*" {
		c.first, c.end = c.total, c.total
		return c, ok && c.total >= 0
	}
	from, to, _ := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	c.first, c.end = first, last+1
	return c, ok && err1 == nil && err2 == nil && first <= last
}

func (c chunk) last() bool { return c.total >= 0 }

// from returns the rest of the chunk if the service has stored so many bytes of
// the upload. Except at the end of the upload, it starts at a whole unit; the
// service ignores bytes that it already has.
func (c chunk) from(stored int64) chunk {
	if !c.last() {
		stored = max(stored-stored%chunkUnit, c.first)
	}
	c.first = stored
	return c
}

// String returns the Content-Range of the chunk.
func (c chunk) String() string {
	switch {
	case !c.last():
		return fmt.Sprintf("bytes %d-%d/*", c.first, c.end-1)
	case c.first == c.end:
		return fmt.Sprintf("bytes */%d", c.total)
	}
	return fmt.Sprintf("bytes %d-%d/%d", c.first, c.end-1, c.total)
}

// extraPieces is how many more pieces than units the service may store a chunk
// in.
const extraPieces = 16

// store sends a chunk until the service has stored all of it, and for the last
// chunk has created the object ("Performing resumable uploads", "Resume an
// interrupted upload"). The library ignores how much of a chunk is stored: it
// would continue at a wrong offset, or ask forever whether the upload is complete.
//
// Requests that make progress are limited by the chunk's size, and others by the
// retry policy.
func (s *sending) store(c chunk) (*http.Response, error) {
	var done *http.Response
	next, best := c.first, c.first
	for range (c.end-c.first)/chunkUnit + extraPieces {
		err := s.repeat(func() error {
			resp, err := s.sendChunk(c, c.from(next))
			done = resp
			if err != nil || !isIncomplete(resp) {
				next = c.first // how much has arrived is unknown
				return err
			}
			stored, err := s.storedBytes(resp)
			switch {
			case err != nil:
				return err
			case stored == c.end && !c.last():
				resp.StatusCode = http.StatusOK // as the library expects
				resp.Header.Set(statusOverride, "308")
				return nil
			case stored < c.first || stored > c.end:
				return fmt.Errorf("%w: %d bytes of the upload are stored: want %d to %d", ltxstore.ErrUnavailable, stored, c.first, c.end)
			}
			done, next = nil, stored
			if stored > best {
				best = stored
				return nil
			}
			return fmt.Errorf("%w: only %d of %d bytes of the upload are stored", ltxstore.ErrUnavailable, stored, c.end)
		})
		if err != nil || done != nil {
			return done, err
		}
	}
	return nil, fmt.Errorf("%w: upload is stored in too small pieces: %d of %d bytes so far", ltxstore.ErrUnavailable, best, c.end)
}

// sendChunk sends the rest of a chunk.
func (s *sending) sendChunk(whole, left chunk) (*http.Response, error) {
	req, err := s.again(left.first - whole.first)
	if err != nil {
		return nil, err
	}
	if left != whole {
		req.Header.Set("Content-Range", left.String())
		if req.ContentLength = left.end - left.first; req.ContentLength == 0 {
			req.Body = http.NoBody
		}
	}
	resp, err := s.roundTrip(req)
	if resp != nil && !isIncomplete(resp) {
		resp.Header.Del(statusOverride) // the library would heed it even in an error
	}
	if err == nil && resp.StatusCode < 300 && !whole.last() && !isIncomplete(resp) {
		err = fmt.Errorf("%w: upload is complete before its last chunk", ltxstore.ErrUnavailable)
	}
	return resp, err
}

// statusOverride is the header with the status 308 of an incomplete upload. In
// HTTP, that status is a redirect.
const statusOverride = "X-Http-Status-Code-Override"

func isIncomplete(resp *http.Response) bool {
	return resp.StatusCode == http.StatusPermanentRedirect && resp.Header.Get("Location") == "" ||
		resp.StatusCode < 300 && resp.Header.Get(statusOverride) == "308"
}

// storedBytes returns how many bytes of an upload are stored according to a
// response. If it has no Range, none are.
func (s *sending) storedBytes(resp *http.Response) (int64, error) {
	header := resp.Header.Get("Range")
	if header == "" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(header, "bytes=0-")
	last, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || last < 0 {
		return 0, transport.Foreign("upload with the Range %s", excerpt(header, s.secrets))
	}
	return last + 1, nil
}
