package ossfake

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

type prefixOf struct{ Prefix string }

type entry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []entry
	CommonPrefixes        []prefixOf
}

func (s *Server) listObjects(w http.ResponseWriter, r *request) error {
	q, limit := r.URL.Query(), s.opt.PageSize
	if given := q.Get("max-keys"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > 1000 {
			return fail(http.StatusBadRequest, "InvalidArgument")
		}
		limit = min(limit, n)
	}
	prefix, last, n := q.Get("prefix"), "", 0
	after := max(q.Get("start-after"), q.Get("continuation-token"))
	out := listing{Name: r.name, Prefix: r.encoded(prefix), EncodingType: q.Get("encoding-type")}
	for _, key := range slices.Sorted(maps.Keys(r.bucket.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		name := key
		if head, _, deeper := strings.Cut(rest, "/"); deeper && q.Get("delimiter") == "/" {
			name = prefix + head + "/"
		}
		if name <= after && key <= after || name == last || name <= q.Get("continuation-token") {
			continue
		}
		if n == limit {
			out.IsTruncated, out.NextContinuationToken = true, r.encoded(last)
			break
		}
		n++
		if last = name; name != key {
			out.CommonPrefixes = append(out.CommonPrefixes, prefixOf{r.encoded(name)})
			continue
		}
		o := r.bucket.objects[key]
		out.Contents = append(out.Contents, entry{r.encoded(key), o.Modified.Format("2006-01-02T15:04:05.000Z"), o.ETag, len(o.Body)})
	}
	return r.send(w, out)
}

func (s *Server) listUploads(w http.ResponseWriter, r *request) error {
	type found struct{ Key, UploadId, Initiated string }
	var out struct {
		XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
		Bucket             string
		EncodingType       string `xml:",omitempty"`
		Prefix             string
		IsTruncated        bool
		NextKeyMarker      string
		NextUploadIdMarker string
		Upload             []found
	}
	q := r.URL.Query()
	out.Bucket, out.EncodingType, out.Prefix = r.name, q.Get("encoding-type"), r.encoded(q.Get("prefix"))
	after := q.Get("key-marker") + "\x00" + q.Get("upload-id-marker")
	for _, name := range slices.Sorted(maps.Keys(r.bucket.uploads)) {
		if !strings.HasPrefix(name, q.Get("prefix")) || name <= after {
			continue
		}
		if len(out.Upload) == s.opt.PageSize {
			last := out.Upload[len(out.Upload)-1]
			out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = true, last.Key, last.UploadId
			break
		}
		key, id, _ := strings.Cut(name, "\x00")
		out.Upload = append(out.Upload, found{r.encoded(key), id, s.opt.Clock().UTC().Format(time.RFC3339)})
	}
	return r.send(w, out)
}
