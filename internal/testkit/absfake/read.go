package absfake

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/ltxstore/ltxstore/internal/testkit/httprange"
)

func (s *Server) getBlob(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	b := s.of(r)[r.key]
	s.mu.Unlock()
	if b == nil || !b.committed {
		return fail(http.StatusNotFound, "BlobNotFound")
	}
	if err := r.conditions(b); err != nil {
		return err
	}
	if err := r.customerKey(b.KeySHA256); err != nil {
		return err
	}
	size := int64(len(b.Body))
	asked := r.Header.Get("X-Ms-Range")
	if s.opt.NoRange {
		asked = ""
	}
	first, end, ranged, err := httprange.Parse(asked, size)
	header := w.Header()
	header.Set("Etag", b.ETag)
	header.Set("Last-Modified", b.Modified.Format(http.TimeFormat))
	header.Set("X-Ms-Blob-Type", "BlockBlob")
	header.Set("Content-Type", "application/octet-stream")
	for name, value := range b.Metadata {
		header.Set("X-Ms-Meta-"+name, value)
	}
	sum := base64.StdEncoding.EncodeToString(b.MD5)
	switch atEnd := fmt.Sprintf("bytes=%d-", size); {
	case err != nil && size > 0 && s.opt.Emulated && strings.HasPrefix(asked, atEnd):
		first, end, ranged = size, size, true
	case err != nil:
		return &failure{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", size)}}}
	case !ranged:
		first, end = 0, size
	}
	status, field := http.StatusOK, "Content-Md5"
	if ranged {
		status, field = http.StatusPartialContent, "X-Ms-Blob-Content-Md5"
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, size))
	}
	if sum != "" {
		header.Set(field, sum)
	}
	header.Set("Content-Length", strconv.FormatInt(end-first, 10))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(b.Body[first:end]) // the client has gone
	}
	return nil
}

type listing struct {
	XMLName   xml.Name `xml:"EnumerationResults"`
	Endpoint  string   `xml:"ServiceEndpoint,attr"`
	Container string   `xml:"ContainerName,attr"`
	Prefix    string   `xml:",omitempty"`
	Marker    string   `xml:",omitempty"`
	Blobs     struct {
		Blob       []entry
		BlobPrefix []struct{ Name string }
	}
	NextMarker string
}

type entry struct {
	Name       string
	Properties struct {
		CreationTime string `xml:"Creation-Time"`
		LastModified string `xml:"Last-Modified"`
		Etag         string
		Length       int    `xml:"Content-Length"`
		MD5          string `xml:"Content-MD5"`
	}
	Metadata *metadata
}

type metadata struct{ values map[string]string }

// MarshalXML implements xml.Marshaler.
func (m *metadata) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.values)) {
		if err := e.EncodeElement(m.values[name], xml.StartElement{Name: xml.Name{Local: name}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

func (s *Server) listBlobs(w http.ResponseWriter, r *request) error {
	q := r.URL.Query()
	limit := s.opt.PageSize
	if given := q.Get("maxresults"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 {
			return fail(http.StatusBadRequest, "OutOfRangeQueryParameterValue")
		}
		limit = min(limit, n)
	}
	after, err := base64.URLEncoding.DecodeString(q.Get("marker"))
	if err != nil || q.Get("restype") != "container" {
		return fail(http.StatusBadRequest, "InvalidQueryParameterValue")
	}
	out := listing{Endpoint: "http://" + r.Host + "/", Container: r.container, Prefix: q.Get("prefix"), Marker: q.Get("marker")}
	includes := strings.Split(q.Get("include"), ",")
	s.mu.Lock()
	unlock := sync.OnceFunc(s.mu.Unlock)
	defer unlock()
	last, n := "", 0
	for _, key := range slices.Sorted(maps.Keys(s.of(r))) {
		b := s.of(r)[key]
		rest, ok := strings.CutPrefix(key, out.Prefix)
		if !ok || !b.committed && !slices.Contains(includes, "uncommittedblobs") || !s.opt.NoStartFrom && key < q.Get("startFrom") {
			continue
		}
		deeper := ""
		if delimiter := q.Get("delimiter"); delimiter != "" {
			if head, _, found := strings.Cut(rest, delimiter); found {
				deeper = out.Prefix + head + delimiter
			}
		}
		name := key
		if deeper != "" {
			name = deeper
		}
		if name <= string(after) || name == last {
			continue
		}
		if n == limit {
			out.NextMarker = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		n++
		if last = name; deeper != "" {
			out.Blobs.BlobPrefix = append(out.Blobs.BlobPrefix, struct{ Name string }{deeper})
			continue
		}
		e := entry{Name: key}
		if e.Properties.Length = len(b.Body); b.committed {
			e.Properties.LastModified, e.Properties.Etag = b.Modified.Format(http.TimeFormat), strings.Trim(b.ETag, `"`)
			e.Properties.CreationTime = e.Properties.LastModified
			e.Properties.MD5 = base64.StdEncoding.EncodeToString(b.MD5)
		}
		if slices.Contains(includes, "metadata") && b.KeySHA256 == "" {
			e.Metadata = &metadata{b.Metadata}
		}
		out.Blobs.Blob = append(out.Blobs.Blob, e)
	}
	unlock() // the answer may wait for its reader
	w.Header().Set("Content-Type", "application/xml")
	_, err = w.Write([]byte(xml.Header))
	if err != nil {
		return nil
	}
	return xml.NewEncoder(w).Encode(out)
}
