package gcs

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// chunk is a part of a resumable upload: the bytes from first up to end.
type chunk struct {
	first, end int64
	total      int64 // of the upload, with its last chunk; else -1
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

// from returns what is left of the chunk when the service has stored so many
// bytes of the upload. In the middle it is whole units: bytes that are stored
// already are ignored.
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

// extraPieces is in how many more pieces than its units the service may store a
// chunk.
const extraPieces = 16

// store sends a chunk until the service has stored it, and made the object of
// the last one ("Performing resumable uploads", "Resume an interrupted upload").
// The library does not look at how much of a chunk is stored: it would go on at
// a wrong offset, or ask without end whether the upload is complete.
//
// The answers that tell of progress are bounded by the chunk's size, those
// without by the policy.
func (s *sending) store(c chunk) (*http.Response, error) {
	var done *http.Response
	next, best := c.first, c.first
	for range (c.end-c.first)/chunkUnit + extraPieces {
		err := s.repeat(func() error {
			resp, err := s.sendChunk(c, c.from(next))
			done = resp
			if err != nil || !isIncomplete(resp) {
				next = c.first // what of it has arrived is not known
				return err
			}
			stored, err := s.storedBytes(resp)
			switch {
			case err != nil:
				return err
			case stored == c.end && !c.last():
				resp.StatusCode = http.StatusOK // as the library wants it
				resp.Header.Set(statusOverride, "308")
				return nil
			case stored < c.first || stored > c.end:
				return fmt.Errorf("%w: service has stored %d bytes of an upload: want %d to %d", ltxstore.ErrUnavailable, stored, c.first, c.end)
			}
			done, next = nil, stored
			if stored > best {
				best = stored
				return nil
			}
			return fmt.Errorf("%w: service has stored %d bytes of an upload, and no more of %d", ltxstore.ErrUnavailable, stored, c.end)
		})
		if err != nil || done != nil {
			return done, err
		}
	}
	return nil, fmt.Errorf("%w: service stores an upload in too small pieces: %d bytes of %d", ltxstore.ErrUnavailable, best, c.end)
}

// sendChunk sends what is left of a chunk.
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
		resp.Header.Del(statusOverride) // the library would believe it beside an error
	}
	if err == nil && resp.StatusCode < 300 && !whole.last() && !isIncomplete(resp) {
		err = fmt.Errorf("%w: service answered a chunk in the middle of an upload as if it were the last", ltxstore.ErrUnavailable)
	}
	return resp, err
}

// statusOverride is the header that has the status 308 of an upload that is not
// complete, which means something else to everybody but the service.
const statusOverride = "X-Http-Status-Code-Override"

func isIncomplete(resp *http.Response) bool {
	return resp.StatusCode == http.StatusPermanentRedirect && resp.Header.Get("Location") == "" ||
		resp.StatusCode < 300 && resp.Header.Get(statusOverride) == "308"
}

// storedBytes returns how many bytes of an upload an answer says are stored.
// Without a Range there are none.
func (s *sending) storedBytes(resp *http.Response) (int64, error) {
	header := resp.Header.Get("Range")
	if header == "" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(header, "bytes=0-")
	last, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || last < 0 {
		return 0, transport.Foreign("Range of an upload is %s", excerpt(header, s.secrets))
	}
	return last + 1, nil
}
