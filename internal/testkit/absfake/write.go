package absfake

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
)

// put gives the blob its properties, and stores it. The lock is held.
func (s *Server) put(w http.ResponseWriter, r *request, b *Blob) error {
	if err := r.customerKey(r.Header.Get("X-Ms-Encryption-Key-Sha256")); err != nil {
		return err
	}
	b.Metadata, b.Tier, b.Scope = r.metadata(), r.Header.Get("X-Ms-Access-Tier"), r.Header.Get("X-Ms-Encryption-Scope")
	b.KeySHA256 = r.Header.Get("X-Ms-Encryption-Key-Sha256")
	s.stamp(b)
	s.of(r)[r.key] = b
	w.Header().Set("Etag", b.ETag)
	w.Header().Set("Last-Modified", b.Modified.Format(http.TimeFormat))
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (s *Server) putBlob(w http.ResponseWriter, r *request) error {
	if r.Header.Get("X-Ms-Blob-Type") != "BlockBlob" {
		return fail(http.StatusBadRequest, "MissingRequiredHeader")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of(r)[r.key]
	if err := r.conditions(b); err != nil {
		return err
	}
	if b != nil && s.opt.Emulated && r.Header.Get("If-None-Match") == "*" {
		return fail(http.StatusConflict, "BlobAlreadyExists") // also of a blob that was never committed
	}
	sum := md5.Sum(r.body)
	w.Header().Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	return s.put(w, r, &Blob{Body: r.body, MD5: sum[:]}) // uncommitted blocks are gone
}

func (s *Server) putBlock(w http.ResponseWriter, r *request) error {
	id := r.URL.Query().Get("blockid")
	if raw, err := base64.StdEncoding.DecodeString(id); err != nil || len(raw) == 0 || len(raw) > 64 {
		return fail(http.StatusBadRequest, "InvalidQueryParameterValue")
	}
	if len(r.body) == 0 {
		return fail(http.StatusBadRequest, "InvalidHeaderValue") // Content-Length 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of(r)[r.key]
	if b == nil {
		b = &Blob{}
		s.of(r)[r.key] = b
	}
	for other := range b.uncommitted {
		if len(other) != len(id) {
			return fail(http.StatusBadRequest, "InvalidBlobOrBlock")
		}
	}
	if b.uncommitted == nil {
		b.uncommitted = make(map[string][]byte)
	}
	b.uncommitted[id] = r.body
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (s *Server) putBlockList(w http.ResponseWriter, r *request) error {
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string
	}
	if err := xml.Unmarshal(r.body, &list); err != nil || len(list.Latest) > 50_000 {
		return fail(http.StatusBadRequest, "InvalidXmlDocument")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.of(r)[r.key]
	if err := r.conditions(b); err != nil {
		return err
	}
	made := &Blob{blocks: make(map[string][]byte)}
	var blocks [][]byte
	for _, id := range list.Latest {
		var block []byte
		if b != nil {
			if block = b.uncommitted[id]; block == nil {
				block = b.blocks[id]
			}
		}
		if block == nil {
			return fail(http.StatusBadRequest, "InvalidBlockList")
		}
		made.blocks[id] = block
		blocks = append(blocks, block)
	}
	made.Body = slices.Concat(blocks...)
	made.MD5, _ = base64.StdEncoding.DecodeString(r.Header.Get("X-Ms-Blob-Content-Md5"))
	return s.put(w, r, made)
}

func (s *Server) deleteBlob(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil && s.failing(r.key) {
		return fail(http.StatusForbidden, "AuthorizationPermissionMismatch")
	}
	b := s.of(r)[r.key]
	if b == nil || !b.committed && !s.opt.Emulated { // the harder of what is reported of the service
		return fail(http.StatusNotFound, "BlobNotFound")
	}
	if err := r.conditions(b); err != nil {
		return err
	}
	delete(s.of(r), r.key)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// batch serves each deletion in the body as a separate request.
func (s *Server) batch(w http.ResponseWriter, r *request) error {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" || r.URL.Query().Get("restype") != "container" {
		return fail(http.StatusBadRequest, "InvalidInput")
	}
	var out bytes.Buffer
	answer := multipart.NewWriter(&out)
	in := multipart.NewReader(bytes.NewReader(r.body), params["boundary"])
	for n := 0; ; n++ {
		part, err := in.NextPart()
		switch {
		case err == io.EOF:
			answer.Close()
			w.Header().Set("Content-Type", "multipart/mixed; boundary="+answer.Boundary())
			w.WriteHeader(http.StatusAccepted)
			_, err = w.Write(out.Bytes())
			return err
		case err != nil:
			return fail(http.StatusBadRequest, "InvalidInput")
		case n == 256:
			return fail(http.StatusBadRequest, "ExceedsMaxBatchRequestCount")
		}
		hr, err := http.ReadRequest(bufio.NewReader(part))
		if err != nil || hr.Method != http.MethodDelete || !strings.HasPrefix(hr.URL.Path, "/"+r.container+"/") {
			return fail(http.StatusBadRequest, "InvalidInput")
		}
		one := httptest.NewRecorder()
		s.ServeHTTP(one, hr)
		item, err := answer.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/http"}, "Content-ID": {part.Header.Get("Content-ID")}})
		if err != nil {
			return err
		}
		fmt.Fprintf(item, "HTTP/1.1 %d %s\r\n", one.Code, http.StatusText(one.Code))
		header := maps.Clone(one.Header())
		header.Set("Content-Length", fmt.Sprint(one.Body.Len()))
		header.Write(item)
		fmt.Fprintf(item, "\r\n%s", one.Body)
	}
}
