package s3fake

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	MaxKeys, KeyCount     int
	IsTruncated           bool
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listEntry
	CommonPrefixes        []listPrefix
}

type listEntry struct {
	Key          string
	LastModified string `xml:",omitempty"`
	ETag         string `xml:",omitempty"`
	Size         *int64 `xml:",omitempty"`
	StorageClass string
}

type listPrefix struct{ Prefix string }

func (s *Server) listObjects(w http.ResponseWriter, r *request) error {
	q := r.query
	out := listResult{
		Name: r.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), StartAfter: q.Get("start-after"),
		MaxKeys: 1000, ContinuationToken: q.Get("continuation-token"),
	}
	if given := q.Get("max-keys"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 0 {
			return fail(http.StatusBadRequest, "InvalidArgument", "max-keys "+given)
		}
		out.MaxKeys = min(n, 1000)
	}
	encode := func(key string) string { return key }
	if q.Get("encoding-type") == "url" && !s.opt.IgnoreEncoding {
		out.EncodingType = "url"
		encode = func(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }
	}
	// A token is the last entry: the next page begins after it.
	after, err := base64.StdEncoding.DecodeString(out.ContinuationToken)
	if err != nil {
		return fail(http.StatusBadRequest, "InvalidArgument", "continuation-token "+out.ContinuationToken)
	}
	startAfter := out.StartAfter
	if s.opt.NoStartAfter || len(after) > 0 {
		startAfter = ""
	}

	s.mu.Lock()
	b, last, limit := s.buckets[r.bucket], "", min(out.MaxKeys, s.opt.PageSize)
	for _, key := range b.sorted(s.rank) {
		rest, ok := strings.CutPrefix(key, out.Prefix)
		if !ok || len(after) > 0 && s.rank(key) <= s.rank(string(after)) || startAfter != "" && key <= startAfter {
			continue
		}
		group := ""
		if i := strings.Index(rest, out.Delimiter); out.Delimiter != "" && i >= 0 {
			group = out.Prefix + rest[:i+len(out.Delimiter)]
			// A token within a group means that the whole group was listed.
			if strings.HasPrefix(string(after), group) || startAfter != "" && strings.HasPrefix(startAfter, group) {
				continue
			}
			if n := len(out.CommonPrefixes); n > 0 && out.CommonPrefixes[n-1].Prefix == encode(group) {
				last = key
				continue
			}
		}
		if out.KeyCount == limit {
			out.IsTruncated = limit > 0
			break
		}
		out.KeyCount++
		last = key
		if group != "" {
			out.CommonPrefixes = append(out.CommonPrefixes, listPrefix{encode(group)})
			continue
		}
		out.Contents = append(out.Contents, s.entry(encode(key), b.objects[key]))
	}
	s.mu.Unlock() // a slow reader of the answer keeps nobody waiting
	if out.IsTruncated {
		out.NextContinuationToken = base64.StdEncoding.EncodeToString([]byte(last))
	}
	out.Prefix, out.Delimiter, out.StartAfter = encode(out.Prefix), encode(out.Delimiter), encode(out.StartAfter)
	send(w, http.StatusOK, out)
	return nil
}

func (s *Server) entry(key string, o *Object) listEntry {
	e := listEntry{Key: key, StorageClass: "STANDARD"}
	if class := o.Header.Get("X-Amz-Storage-Class"); class != "" {
		e.StorageClass = class
	}
	if !s.omits("ETag") {
		e.ETag = o.ETag
	}
	if !s.omits("LastModified") {
		e.LastModified = stamp(o.Modified)
	}
	if !s.omits("Size") {
		size := int64(len(o.Body))
		e.Size = &size
	}
	return e
}
