package ossfake

import (
	"crypto/md5"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// minPart is the minimum size of all parts but the last.
const minPart = 100 << 10

func (s *Server) initiate(w http.ResponseWriter, r *request) error {
	o, err := s.described(r)
	if err != nil {
		return err
	}
	s.serial++
	id := fmt.Sprintf("%032X", s.serial)
	r.bucket.uploads[r.key+"\x00"+id] = &upload{object: o, once: r.Header.Get("X-Oss-Forbid-Overwrite") == "true", parts: make(map[int][]byte)}
	return r.send(w, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
		EncodingType          string `xml:",omitempty"`
	}{Bucket: r.name, Key: r.encoded(r.key), UploadId: id, EncodingType: r.URL.Query().Get("encoding-type")})
}

// upload returns the upload of a request.
func (r *request) upload() (*upload, string, error) {
	name := r.key + "\x00" + r.URL.Query().Get("uploadId")
	if u := r.bucket.uploads[name]; u != nil {
		return u, name, nil
	}
	return nil, "", fail(http.StatusNotFound, "NoSuchUpload")
}

func (s *Server) uploadPart(w http.ResponseWriter, r *request) error {
	u, _, err := r.upload()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if err != nil || n < 1 || n > 10_000 {
		return fail(http.StatusBadRequest, "InvalidArgument")
	}
	u.parts[n] = r.body
	w.Header().Set("Etag", tagOf(r.body))
	w.Header().Set("X-Oss-Hash-Crc64ecma", sum(r.body))
	return nil
}

func tagOf(part []byte) string { return fmt.Sprintf(`"%X"`, md5.Sum(part)) }

func (s *Server) complete(w http.ResponseWriter, r *request) error {
	u, name, err := r.upload()
	if err != nil {
		return err
	}
	if err := s.forbidden(r); err != nil {
		return err
	}
	var list struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(r.body, &list); err != nil || len(list.Part) == 0 {
		return fail(http.StatusBadRequest, "MalformedXML")
	}
	var parts [][]byte
	for i, part := range list.Part {
		body, ok := u.parts[part.PartNumber]
		switch {
		case i > 0 && part.PartNumber <= list.Part[i-1].PartNumber:
			return fail(http.StatusBadRequest, "InvalidPartOrder")
		case !ok, part.ETag != tagOf(body):
			return fail(http.StatusBadRequest, "InvalidPart")
		case i < len(list.Part)-1 && len(body) < minPart:
			return fail(http.StatusBadRequest, "EntityTooSmall")
		}
		parts = append(parts, body)
	}
	u.object.Body = slices.Concat(parts...)
	o := s.store(w, r, u.object)
	delete(r.bucket.uploads, name)
	return r.send(w, struct {
		XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
		Bucket, Key, ETag string
		EncodingType      string `xml:",omitempty"`
	}{Bucket: r.name, Key: r.encoded(r.key), ETag: o.ETag, EncodingType: r.URL.Query().Get("encoding-type")})
}

func (s *Server) abort(w http.ResponseWriter, r *request) error {
	_, name, err := r.upload()
	if err != nil {
		return err
	}
	delete(r.bucket.uploads, name)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listParts(w http.ResponseWriter, r *request) error {
	if _, _, err := r.upload(); err != nil {
		return err
	}
	return r.send(w, struct {
		XMLName               xml.Name `xml:"ListPartsResult"`
		Bucket, Key, UploadId string
		EncodingType          string `xml:",omitempty"`
	}{Bucket: r.name, Key: r.encoded(r.key), UploadId: r.URL.Query().Get("uploadId"), EncodingType: r.URL.Query().Get("encoding-type")})
}
