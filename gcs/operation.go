package gcs

import (
	"net/http"
	"strings"
)

// operation is what a request asks the service to do.
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

// operationOf recognizes the requests that the library sends for this package.
func operationOf(req *http.Request) operation {
	q := req.URL.Query()
	resumable := q.Get("uploadType") == "resumable" || q.Has("upload_id")
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
	case q.Get("alt") == "media":
		return opRead
	case isCollection(req.URL.EscapedPath()):
		return opList
	}
	return opAttrs
}

// isCollection reports whether a path is that of a bucket's objects, and not of
// one of them: ".../b/BUCKET/o".
func isCollection(path string) bool {
	segments := strings.Split(path, "/")
	n := len(segments)
	return n > 3 && segments[n-1] == "o" && segments[n-3] == "b"
}

// prepare returns the request with what the library cannot be told to ask for.
func (op operation) prepare(req *http.Request) *http.Request {
	switch op {
	case opRead:
		// The stored bytes, not what decompressing them would make of them
		// (decompressive transcoding). The library refuses this header.
		req = req.Clone(req.Context())
		req.Header.Set("Accept-Encoding", "gzip")
	case opList:
		// Without its kind an empty listing is "{}", which anything may say.
		if q := req.URL.Query(); q.Get("fields") != "" {
			q.Set("fields", "kind,"+q.Get("fields"))
			req = req.Clone(req.Context())
			req.URL.RawQuery = q.Encode()
		}
	}
	return req
}

// repeats reports whether an answer with this status may be another when the
// request is sent again. The service says nothing in particular of an upload
// that it does not know any more, and never knows it again.
func (op operation) repeats(status int) bool {
	gone := status == http.StatusNotFound || status == http.StatusGone
	return !gone || op != opChunk && op != opCancel
}
