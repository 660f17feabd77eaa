package gcsfake

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listObjects serves one page. A page token is the last entry: "n" and a name,
// or "p" and a prefix.
func (s *Server) listObjects(w http.ResponseWriter, r *request) error {
	q := r.query
	limit := s.opt.PageSize
	if given := q.Get("maxResults"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 {
			return fail(http.StatusBadRequest, "invalidParameter", "Invalid value for maxResults: "+given)
		}
		limit = min(limit, n)
	}
	token, err := base64.URLEncoding.DecodeString(q.Get("pageToken"))
	if err != nil || len(token) > 0 && token[0] != 'n' && token[0] != 'p' {
		return fail(http.StatusBadRequest, "invalid", "Invalid page token: "+q.Get("pageToken"))
	}
	p := page{prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), end: q.Get("endOffset"), last: string(token), limit: limit}
	document := map[string]any{"kind": "storage#objects"}

	s.mu.Lock()
	b := s.buckets[r.bucket]
	more := p.fill(b.keys, max(q.Get("startOffset"), p.prefix))
	items := make([]map[string]any, len(p.names))
	for i, name := range p.names {
		o := b.objects[name]
		items[i] = s.resource(r.bucket, name, o, o.KeySHA256 == "")
	}
	s.mu.Unlock()

	if len(items) > 0 {
		document["items"] = items
	}
	if len(p.prefixes) > 0 {
		document["prefixes"] = p.prefixes
	}
	if more {
		document["nextPageToken"] = base64.URLEncoding.EncodeToString([]byte(p.last))
	}
	return sendJSON(w, r, document)
}

// page is one page of a listing.
type page struct {
	prefix, delimiter, end string
	last                   string // thing listed, as in a token
	limit                  int

	names, prefixes []string
}

// fill lists the entries after last, from start on, and reports whether there
// are more.
func (p *page) fill(keys []string, start string) (more bool) {
	if p.last != "" {
		start = max(start, p.last[1:])
	}
	from, _ := slices.BinarySearch(keys, start)
	for _, key := range keys[from:] {
		if !strings.HasPrefix(key, p.prefix) || p.end != "" && key >= p.end {
			return false
		}
		thing := "n" + key
		if p.delimiter != "" {
			if head, _, found := strings.Cut(key[len(p.prefix):], p.delimiter); found {
				thing = "p" + p.prefix + head + p.delimiter
			}
		}
		if thing == p.last {
			continue
		}
		if len(p.names)+len(p.prefixes) == p.limit {
			return true
		}
		p.last = thing
		if thing[0] == 'p' {
			p.prefixes = append(p.prefixes, thing[1:])
		} else {
			p.names = append(p.names, key)
		}
	}
	return false
}
