package s3fake

import (
	"encoding/xml"
	"net/http"
)

func (s *Server) deleteObject(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		if code := s.failing(r.key); code != "" {
			return fail(http.StatusForbidden, code, r.key)
		}
	}
	s.buckets[r.bucket].remove(r.key)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type deleteRequest struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects []struct{ Key string } `xml:"Object"`
}

type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedKey
	Errors  []deleteError `xml:"Error"`
}

type deletedKey struct{ Key string }

type deleteError struct{ Key, Code, Message string }

func (s *Server) deleteObjects(w http.ResponseWriter, r *request) error {
	hasMD5 := r.Header.Get("Content-Md5") != ""
	switch {
	case s.opt.NoBatchDelete:
		return fail(http.StatusNotImplemented, "NotImplemented", "DeleteObjects")
	case s.opt.RefuseDeleteMD5 && hasMD5:
		return fail(http.StatusBadRequest, "InvalidArgument", "Content-MD5")
	}
	body, err := s.body(r)
	if err != nil {
		return err
	}
	if !hasMD5 && !s.opt.RefuseDeleteMD5 && (s.opt.DeleteNeedsMD5 || len(given(r.Header)) == 0) {
		return fail(http.StatusBadRequest, "MissingContentMD5", "want a Content-MD5 or a checksum")
	}
	var in deleteRequest
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return fail(http.StatusBadRequest, "MalformedXML", "want 1 to 1000 objects")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out deleteResult
	for _, object := range in.Objects {
		if s.failing != nil {
			if code := s.failing(object.Key); code != "" {
				out.Errors = append(out.Errors, deleteError{object.Key, code, "told to fail"})
				continue
			}
		}
		s.buckets[r.bucket].remove(object.Key)
		if !in.Quiet {
			out.Deleted = append(out.Deleted, deletedKey{object.Key})
		}
	}
	send(w, http.StatusOK, out)
	return nil
}
