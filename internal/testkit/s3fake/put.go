package s3fake

import (
	"net/http"
	"strings"
)

const metaPrefix = "X-Amz-Meta-"

// kept are the headers that are stored with an object, in addition to the
// metadata.
var kept = [...]string{"Content-Type", "Content-Encoding", "Cache-Control", "X-Amz-Storage-Class", "X-Amz-Tagging",
	"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Server-Side-Encryption-Context"}

func keptHeader(header http.Header) http.Header {
	h := make(http.Header)
	for _, name := range kept {
		if value := header.Get(name); value != "" {
			h.Set(name, value)
		}
	}
	for name, values := range header {
		if strings.HasPrefix(name, metaPrefix) {
			h[name] = values
		}
	}
	// The service removes this encoding, which is that of the transfer.
	if encoding := strings.TrimPrefix(strings.TrimPrefix(h.Get("Content-Encoding"), "aws-chunked"), ","); encoding == "" {
		h.Del("Content-Encoding")
	} else {
		h.Set("Content-Encoding", encoding)
	}
	return h
}

func (s *Server) putObject(w http.ResponseWriter, r *request) error {
	keyMD5, err := s.customerKey(r)
	if err != nil {
		return err
	}
	body, err := s.body(r)
	if err != nil {
		return err
	}
	o := &Object{Body: body, ETag: etagOf(append([]byte(keyMD5), body...)), Header: keptHeader(r.Header), Checksums: given(r.Header), keyMD5: keyMD5}
	if err := s.commit(r, o, func(*bucket) error { return nil }); err != nil {
		return err
	}
	s.describeWrite(w, o)
	return nil
}

// commit stores the object if the request's conditions hold and check succeeds.
func (s *Server) commit(r *request, o *Object, check func(*bucket) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.bucket]
	if err := check(b); err != nil {
		return err
	}
	old := b.objects[r.key]
	switch none, match := r.Header.Get("If-None-Match"), r.Header.Get("If-Match"); {
	case none != "" && none != "*":
		return fail(http.StatusNotImplemented, "NotImplemented", "If-None-Match: "+none)
	case none == "*" && old != nil:
		return fail(http.StatusPreconditionFailed, "PreconditionFailed", "If-None-Match")
	case match != "" && old == nil:
		return fail(http.StatusNotFound, "NoSuchKey", r.key)
	case match != "" && match != old.ETag:
		return fail(http.StatusPreconditionFailed, "PreconditionFailed", "If-Match")
	}
	o.Modified = s.opt.Clock()
	b.put(r.key, o)
	delete(b.uploads, r.query.Get("uploadId")) // the one that o is made of, if any
	return nil
}

func (s *Server) describeWrite(w http.ResponseWriter, o *Object) {
	if !s.omits("ETag") {
		w.Header().Set("ETag", o.ETag)
	}
	setChecksums(w.Header(), o.Checksums)
	setCustomerKey(w.Header(), o.keyMD5)
	w.Header().Set("Content-Length", "0")
}
