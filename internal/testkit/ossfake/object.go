package ossfake

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore/internal/testkit/httprange"
)

func sum(body []byte) string {
	return strconv.FormatUint(crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)), 10)
}

// described returns an object with the properties in the request. The lock is
// held.
func (s *Server) described(r *request) (Object, error) {
	o := Object{Metadata: make(map[string]string), Class: r.Header.Get("X-Oss-Storage-Class"), SSE: r.Header.Get("X-Oss-Server-Side-Encryption")}
	for name := range r.Header {
		if meta, ok := strings.CutPrefix(name, "X-Oss-Meta-"); ok {
			o.Metadata[strings.ToLower(meta)] = r.Header.Get(name)
		}
	}
	return o, s.forbidden(r)
}

// forbidden returns an error if the object may not be replaced.
func (s *Server) forbidden(r *request) error {
	if r.Header.Get("X-Oss-Forbid-Overwrite") == "true" && r.bucket.objects[r.key] != nil {
		return fail(http.StatusConflict, "FileAlreadyExists")
	}
	return nil
}

// store sets the ETag and the time of an object, stores it, and adds them to
// the response.
func (s *Server) store(w http.ResponseWriter, r *request, o Object) *Object {
	s.serial++
	o.ETag, o.Modified = fmt.Sprintf(`"%X-%d"`, md5.Sum(o.Body), s.serial), s.opt.Clock().UTC()
	r.bucket.objects[r.key] = &o
	w.Header().Set("Etag", o.ETag)
	w.Header().Set("X-Oss-Hash-Crc64ecma", sum(o.Body))
	return &o
}

func (s *Server) putObject(w http.ResponseWriter, r *request) error {
	o, err := s.described(r)
	if err != nil {
		return err
	}
	o.Body = r.body
	s.store(w, r, o)
	return nil
}

func (s *Server) getObject(w http.ResponseWriter, r *request) error {
	o := r.bucket.objects[r.key]
	if o == nil {
		return fail(http.StatusNotFound, "NoSuchKey")
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.ETag {
		return fail(http.StatusPreconditionFailed, "PreconditionFailed")
	}
	size := int64(len(o.Body))
	first, end, ranged, err := httprange.Parse(r.Header.Get("Range"), size)
	header, status := w.Header(), http.StatusOK
	switch {
	case err != nil && r.Header.Get("X-Oss-Range-Behavior") == "standard":
		return &failure{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", size)}}}
	case err != nil || !ranged: // without the header a range past the end is the whole
		first, end = 0, size
	default:
		status = http.StatusPartialContent
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, size))
	}
	header.Set("Etag", o.ETag)
	header.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	header.Set("Content-Type", "application/octet-stream")
	header.Set("X-Oss-Hash-Crc64ecma", sum(o.Body))
	for name, value := range o.Metadata {
		header.Set("X-Oss-Meta-"+name, value)
	}
	header.Set("Content-Length", strconv.FormatInt(end-first, 10))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		r.unlock()                        // a body is never changed, only replaced
		_, _ = w.Write(o.Body[first:end]) // the client has gone
	}
	return nil
}

func (s *Server) deleteObject(w http.ResponseWriter, r *request) error {
	if s.failing != nil && s.failing(r.key) {
		return fail(http.StatusForbidden, "AccessDenied")
	}
	delete(r.bucket.objects, r.key)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteObjects omits objects that it cannot delete from the response, as the
// service does.
func (s *Server) deleteObjects(w http.ResponseWriter, r *request) error {
	var in struct {
		XMLName xml.Name `xml:"Delete"`
		Quiet   bool
		Object  []struct{ Key string }
	}
	digest := md5.Sum(r.body)
	switch err := xml.Unmarshal(r.body, &in); {
	case r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(digest[:]):
		return fail(http.StatusBadRequest, "InvalidDigest")
	case err != nil, len(in.Object) == 0, len(in.Object) > 1000:
		return fail(http.StatusBadRequest, "MalformedXML")
	}
	var out struct {
		XMLName      xml.Name `xml:"DeleteResult"`
		EncodingType string   `xml:",omitempty"`
		Deleted      []struct{ Key string }
	}
	out.EncodingType = r.URL.Query().Get("encoding-type")
	for _, o := range in.Object {
		if s.failing != nil && s.failing(o.Key) {
			continue
		}
		delete(r.bucket.objects, o.Key)
		out.Deleted = append(out.Deleted, struct{ Key string }{r.encoded(o.Key)})
	}
	return r.send(w, out)
}

// encoded returns a name with the encoding of the response.
func (r *request) encoded(name string) string {
	if r.URL.Query().Get("encoding-type") == "url" {
		return escape(name, false)
	}
	return name
}

// send responds with a document that is a copy of the server's data.
func (r *request) send(w http.ResponseWriter, document any) error {
	r.unlock()
	w.Header().Set("Content-Type", "application/xml")
	_, err := w.Write([]byte(xml.Header))
	if err == nil {
		err = xml.NewEncoder(w).Encode(document)
	}
	return err
}
