package gcsfake

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore/internal/testkit/httprange"
)

func (s *Server) getObject(w http.ResponseWriter, r *request) error {
	o, err := s.liveNow(r)
	if err != nil {
		return err
	}
	open, err := r.unlock(o)
	if err != nil {
		return err
	}
	return sendJSON(w, r, s.resource(r.bucket, r.key, o, open))
}

// liveNow is live for a read, which needs no lock: objects do not change.
func (s *Server) liveNow(r *request) (*Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live(r, true)
}

// readObject serves an object's content, over both APIs.
func (s *Server) readObject(w http.ResponseWriter, r *request) error {
	o, err := s.liveNow(r)
	if err != nil {
		return err
	}
	open, err := r.unlock(o)
	if err != nil {
		return err
	}
	if !open {
		return fail(http.StatusBadRequest, "resourceIsEncryptedWithCustomerEncryptionKey", "The target object is encrypted by a customer-supplied encryption key.")
	}
	body, status := o.Body, http.StatusOK
	plain, transcoded := transcode(o, r.Header)
	if transcoded {
		body = plain // all of it: a range is ignored
	} else if first, end, ok, err := httprange.Parse(r.Header.Get("Range"), int64(len(body))); err != nil {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(body)))
		return fail(http.StatusRequestedRangeNotSatisfiable, "requestedRangeNotSatisfiable", "The requested range cannot be satisfied.")
	} else if ok {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, len(body)))
		body, status = body[first:end], http.StatusPartialContent
	}
	s.describe(w.Header(), r, o, transcoded)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // who went away wants no error
	}
	return nil
}

// transcode returns the content of an object that is stored as gzip, for who
// does not take gzip. https://cloud.google.com/storage/docs/transcoding
func transcode(o *Object, header http.Header) (plain []byte, ok bool) {
	if o.ContentEncoding != "gzip" || strings.Contains(header.Get("Accept-Encoding"), "gzip") || strings.Contains(o.CacheControl, "no-transform") {
		return nil, false
	}
	in, err := gzip.NewReader(bytes.NewReader(o.Body))
	if err != nil {
		return nil, false
	}
	plain, err = io.ReadAll(in)
	return plain, err == nil
}

// describe writes the headers that describe an object.
func (s *Server) describe(header http.Header, r *request, o *Object, transcoded bool) {
	var hashes []string
	if !s.omits("crc32c") {
		hashes = append(hashes, "crc32c="+o.CRC32C)
	}
	if !s.omits("md5Hash") {
		hashes = append(hashes, "md5="+o.MD5)
	}
	header.Set("Etag", etagOf(o))
	if r.api == xmlAPI {
		header["X-Goog-Hash"] = hashes
		header.Set("Etag", `"`+etagOf(o)+`"`)
	} else if len(hashes) > 0 {
		header.Set("X-Goog-Hash", strings.Join(hashes, ","))
	}
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Type", o.ContentType)
	header.Set("Last-Modified", o.Updated.UTC().Format(http.TimeFormat))
	header.Set("X-Goog-Generation", strconv.FormatInt(o.Generation, 10))
	header.Set("X-Goog-Metageneration", strconv.FormatInt(o.Metageneration, 10))
	header.Set("X-Goog-Storage-Class", o.StorageClass)
	header.Set("X-Goog-Stored-Content-Length", strconv.Itoa(len(o.Body)))
	header.Set("X-Goog-Stored-Content-Encoding", "identity")
	if o.ContentEncoding != "" {
		header.Set("X-Goog-Stored-Content-Encoding", o.ContentEncoding)
		if transcoded {
			header.Set("Warning", "214 UploadServer gunzipped")
		} else {
			header.Set("Content-Encoding", o.ContentEncoding)
		}
	}
	if o.CacheControl != "" {
		header.Set("Cache-Control", o.CacheControl)
	}
	if o.KeySHA256 != "" {
		header.Set(customerPrefix+"Algorithm", "AES256")
		header.Set(customerPrefix+"Key-Sha256", o.KeySHA256)
	}
	if !s.omits("metadata") {
		for name, value := range o.Metadata {
			header.Set("X-Goog-Meta-"+name, value)
		}
	}
}
