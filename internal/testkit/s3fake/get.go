package s3fake

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/internal/testkit/httprange"
)

// getObject serves GetObject and HeadObject.
func (s *Server) getObject(w http.ResponseWriter, r *request) error {
	keyMD5, err := s.customerKey(r)
	if err != nil {
		return err
	}
	o, ok := s.Get(r.bucket, r.key)
	if !ok {
		return fail(http.StatusNotFound, "NoSuchKey", r.key)
	}
	if err := mayRead(&o, keyMD5); err != nil {
		return err
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.ETag {
		return fail(http.StatusPreconditionFailed, "PreconditionFailed", "If-Match")
	}
	if none := r.Header.Get("If-None-Match"); none != "" && (none == o.ETag || none == "*") {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header := w.Header()
	maps.Copy(header, o.Header)
	header.Del("X-Amz-Tagging")
	header.Set("Accept-Ranges", "bytes")
	if !s.omits("ETag") {
		header.Set("ETag", o.ETag)
	}
	if !s.omits("LastModified") {
		header.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
	}
	setCustomerKey(header, o.keyMD5)

	body, status := o.Body, http.StatusOK
	span := r.Header.Get("Range")
	if s.opt.NoRange {
		span = ""
	}
	if first, end, ok, err := httprange.Parse(span, int64(len(body))); err != nil {
		header.Set("Content-Range", fmt.Sprintf("bytes */%d", len(body)))
		return fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", span)
	} else if ok {
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, len(body)))
		body, status = body[first:end], http.StatusPartialContent
	} else if strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		setChecksums(header, o.Checksums)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(body) // who went away wants no error
	return nil
}

// stamp is how times are written in listings.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
