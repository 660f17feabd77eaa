package gcsfake

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// quantum is the unit of the sizes of all chunks but the last.
// https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
const quantum = 256 << 10

// session is a resumable upload.
type session struct {
	*draft
	body  []byte
	total int64          // -1: not known yet
	made  map[string]any // the answer, which tells the object; nil: unfinished
}

func (s *Server) startSession(w http.ResponseWriter, r *request) error {
	description, err := readBody(r.Request)
	if err != nil {
		return err
	}
	d, err := r.draft(description, r.Header.Get("X-Upload-Content-Type"))
	if err != nil {
		return err
	}
	begun := &session{draft: d, total: -1}
	if length := r.Header.Get("X-Upload-Content-Length"); length != "" {
		if begun.total, err = strconv.ParseInt(length, 10, 64); err != nil || begun.total < 0 {
			return fail(http.StatusBadRequest, "invalid", "X-Upload-Content-Length: "+length)
		}
	}
	id, err := s.begin(r.bucket, begun)
	if err != nil {
		return err
	}
	q := r.query
	q.Set("upload_id", id)
	location := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: q.Encode()}
	if r.TLS != nil {
		location.Scheme = "https"
	}
	w.Header().Set("Location", location.String())
	w.Header().Set("X-Guploader-Uploadid", id)
	send(w, http.StatusOK, jsonType, nil)
	return nil
}

// begin makes a session with a new ID, if its conditions hold.
func (s *Server) begin(bucket string, u *session) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if err := met(u.conditions, b.objects[u.key], false); err != nil {
		return "", err
	}
	s.begun++
	id = fmt.Sprintf("session-%06d", s.begun)
	b.sessions[id] = u
	return id, nil
}

// sessionOf returns the session of the request. The lock is held.
func (s *Server) sessionOf(r *request) (*session, error) {
	u := s.buckets[r.bucket].sessions[r.query.Get("upload_id")]
	if u == nil {
		return nil, fail(http.StatusNotFound, "notFound", "No such upload session")
	}
	return u, nil
}

func (s *Server) cancelSession(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	u, err := s.sessionOf(r)
	if err == nil && u.made == nil {
		delete(s.buckets[r.bucket].sessions, r.query.Get("upload_id"))
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	w.WriteHeader(499) // Client Closed Request, which is success here
	return nil
}

// writeChunk serves a chunk, or a query for the number of stored bytes.
func (s *Server) writeChunk(w http.ResponseWriter, r *request) error {
	data, cut := readBody(r.Request)
	chunk, err := parseContentRange(r.Header.Get("Content-Range"), int64(len(data)), cut != nil)
	if err != nil {
		return err
	}
	made, have, err := s.advance(r, chunk, data, cut)
	if err != nil {
		return err
	}
	if made == nil {
		incomplete(w, r, have)
		return nil
	}
	return sendJSON(w, r, made)
}

// advance stores a chunk, and makes the object of the session with the last
// one. Until then it returns the number of stored bytes.
func (s *Server) advance(r *request, chunk contentRange, data []byte, cut error) (made map[string]any, have int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.sessionOf(r)
	if err != nil {
		return nil, 0, err
	}
	if u.made != nil { // an answer was lost: it is given again
		return u.made, 0, nil
	}
	if err := u.take(chunk, data, cut); err != nil {
		return nil, 0, err
	}
	if chunk.total < 0 || int64(len(u.body)) < chunk.total {
		return nil, len(u.body), nil
	}
	u.expected = u.expected.with(r.Header)
	o, err := s.commit(r.bucket, u.draft, u.body)
	if err != nil {
		delete(s.buckets[r.bucket].sessions, r.query.Get("upload_id")) // nothing could be sent again
		return nil, 0, err
	}
	u.made, u.body = s.resource(r.bucket, u.key, o, true), nil
	return u.made, 0, nil
}

// take appends the new bytes of a chunk.
func (u *session) take(chunk contentRange, data []byte, cut error) error {
	have := int64(len(u.body))
	if u.total >= 0 && chunk.total >= 0 && chunk.total != u.total || chunk.total >= 0 && chunk.total < have {
		return fail(http.StatusBadRequest, "invalid", fmt.Sprintf("Invalid request.  The upload's total was not %d byte(s) before.", chunk.total))
	}
	if chunk.total >= 0 {
		u.total = chunk.total
	}
	if chunk.query {
		return nil
	}
	switch {
	case chunk.first > have:
		return &apiError{status: http.StatusServiceUnavailable, reason: "backendError", plain: true, message: fmt.Sprintf(
			"Invalid request.  According to the Content-Range header, the upload offset is %d byte(s), which exceeds already uploaded size of %d byte(s).", chunk.first, have)}
	case cut != nil: // what came is kept, in whole quanta
		data = data[:max(0, (chunk.first+int64(len(data)))/quantum*quantum-chunk.first)]
	case chunk.end != chunk.total && (chunk.end-chunk.first)%quantum != 0:
		return fail(http.StatusBadRequest, "invalid", fmt.Sprintf("Invalid request.  A chunk but the last must have a multiple of %d byte(s), not %d.", quantum, len(data)))
	}
	if known := have - chunk.first; known < int64(len(data)) {
		if need := len(u.body) + len(data) - int(known); need > cap(u.body) {
			// Doubled: append would copy a large body five times.
			u.body = slices.Grow(u.body, max(need, 2*cap(u.body))-len(u.body))
		}
		u.body = append(u.body, data[known:]...)
	}
	return cut
}

// incomplete asks for more. A client may request another status than 308, which
// has another meaning in HTTP.
func incomplete(w http.ResponseWriter, r *request, have int) {
	if have > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", have-1))
	}
	w.Header().Set("Content-Length", "0")
	if strings.EqualFold(r.Header.Get("X-Guploader-No-308"), "yes") {
		w.Header().Set("X-Http-Status-Code-Override", "308")
		w.WriteHeader(http.StatusOK)
		return
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

// contentRange is the range of the object's bytes in a request.
type contentRange struct {
	first, end int64
	total      int64 // -1: not known
	query      bool  // it has none
}

// parseContentRange parses "bytes 0-9/10", "bytes 0-9/*", "bytes */10" and
// "bytes */*". Without the header a request has all bytes.
func parseContentRange(header string, length int64, cut bool) (contentRange, error) {
	malformed := fail(http.StatusBadRequest, "invalid", fmt.Sprintf("Failed to parse Content-Range header %q of %d byte(s).", header, length))
	if header == "" {
		if cut {
			return contentRange{end: -1, total: -1}, nil
		}
		return contentRange{end: length, total: length}, nil
	}
	spec, ok := strings.CutPrefix(header, "bytes ")
	span, size, slash := strings.Cut(spec, "/")
	if !ok || !slash {
		return contentRange{}, malformed
	}
	c := contentRange{total: -1}
	var err error
	if size != "*" {
		if c.total, err = strconv.ParseInt(size, 10, 64); err != nil || c.total < 0 {
			return contentRange{}, malformed
		}
	}
	if span == "*" {
		c.query = true
		if length != 0 {
			return contentRange{}, malformed
		}
		return c, nil
	}
	from, to, dash := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	c.first, c.end = first, last+1
	wrong := c.end-c.first != length && (!cut || c.end-c.first < length)
	if !dash || err1 != nil || err2 != nil || first < 0 || last < first || wrong || c.total >= 0 && c.end > c.total {
		return contentRange{}, malformed
	}
	return c, nil
}
