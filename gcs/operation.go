package gcs

import (
	"net/http"
	"strings"
)

// operation is the purpose of a request.
type operation string

const (
	opRead   operation = "read an object"
	opAttrs  operation = "describe an object"
	opList   operation = "list objects"
	opInsert operation = "store an object"
	opDelete operation = "delete an object"
	opBegin  operation = "begin an upload"
	opChunk  operation = "store a chunk"
	opCancel operation = "end an upload"
)

// operationOf returns the operation of a request that the library sends for this
// package.
func operationOf(req *http.Request) operation {
	query := req.URL.RawQuery
	resumable := hasParameter(query, "uploadType", "resumable") || hasParameter(query, "upload_id", "")
	switch {
	case req.Header.Get("Content-Range") != "":
		return opChunk
	case resumable && req.Method == http.MethodDelete:
		return opCancel
	case resumable:
		return opBegin
	case req.Method == http.MethodDelete:
		return opDelete
	case req.Method != http.MethodGet:
		return opInsert
	case hasParameter(query, "alt", "media"):
		return opRead
	case isCollection(req.URL.EscapedPath()):
		return opList
	}
	return opAttrs
}

// hasParameter reports whether a query has a parameter with a value, or with any if value
// is empty. Unlike url.ParseQuery, it allocates nothing for each request; the library and
// the service escape neither the names nor these values.
func hasParameter(query, name, value string) bool {
	for parameter := range strings.SplitSeq(query, "&") {
		if n, v, _ := strings.Cut(parameter, "="); n == name && (value == "" || v == value) {
			return true
		}
	}
	return false
}

// isCollection reports whether path is that of all objects of a bucket, such as
// ".../b/BUCKET/o", and not of one of them.
func isCollection(path string) bool {
	segments := strings.Split(path, "/")
	n := len(segments)
	return n > 3 && segments[n-1] == "o" && segments[n-3] == "b"
}

// prepare returns the request with headers and parameters that the library cannot
// be configured to send.
func (op operation) prepare(req *http.Request) *http.Request {
	switch op {
	case opRead:
		// Return the stored bytes and do not decompress them (decompressive
		// transcoding). The library does not allow setting this header.
		req = req.Clone(req.Context())
		req.Header.Set("Accept-Encoding", "gzip")
	case opList:
		// Without the kind, an empty listing is "{}", as other responses may be.
		if q := req.URL.Query(); q.Get("fields") != "" {
			q.Set("fields", "kind,"+q.Get("fields"))
			req = req.Clone(req.Context())
			req.URL.RawQuery = q.Encode()
		}
	}
	return req
}

// repeats reports whether repeating a request may lead to a status other than
// this one. An upload that the service does not know stays unknown.
func (op operation) repeats(status int) bool {
	gone := status == http.StatusNotFound || status == http.StatusGone
	return !gone || op != opChunk && op != opCancel
}
