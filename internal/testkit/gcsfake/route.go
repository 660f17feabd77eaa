package gcsfake

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is the operation of a request, with its bucket and key.
type route struct {
	operation   string
	bucket, key string
	api         api
}

// api is the API of a request and its response.
type api int

const (
	jsonAPI  api = iota
	mediaAPI     // the JSON API's objects themselves, whose errors are plain text
	xmlAPI
)

// Operation returns the name of a request's operation in the service's gRPC API:
// "ReadObject", "WriteObject" (an upload in one request), "StartResumableWrite";
// that API has no names for "WriteChunk" and "HeadObject". It can be used with
// httpfault's Name.
func Operation(r *http.Request) string { return routeOf(r).operation }

// roots are the paths of the JSON API that clients use. The service has no
// buckets with these names.
var roots = [...]struct {
	path   string
	upload bool
}{
	{"/upload/storage/v1/b/", true},
	{"/resumable/upload/storage/v1/b/", true},
	{"/download/storage/v1/b/", false},
	{"/storage/v1/b/", false},
	{"/b/", false},
}

func routeOf(r *http.Request) route {
	path := r.URL.EscapedPath()
	for _, root := range roots {
		if rest, ok := strings.CutPrefix(path, root.path); ok {
			return routeJSON(r, rest, root.upload)
		}
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	to := route{operation: "Unknown", bucket: unescape(bucket), key: unescape(key), api: xmlAPI}
	switch {
	case to.key == "":
	case r.Method == http.MethodGet:
		to.operation = "ReadObject"
	case r.Method == http.MethodHead:
		to.operation = "HeadObject"
	}
	return to
}

// routeJSON routes "bucket", "bucket/o" and "bucket/o/key", in which the key is
// one segment even if it has slashes.
func routeJSON(r *http.Request, rest string, upload bool) route {
	segments := strings.Split(rest, "/")
	to := route{operation: "Unknown", bucket: unescape(segments[0])}
	if len(segments) > 3 || len(segments) > 1 && segments[1] != "o" {
		return to
	}
	if len(segments) == 3 {
		to.key = unescape(segments[2])
	}
	q := r.URL.Query()
	switch shape := r.Method; {
	case upload && len(segments) == 2:
		to.operation = uploadOperation(r, q)
	case upload:
	case len(segments) == 1 && shape == http.MethodGet:
		to.operation = "GetBucket"
	case len(segments) == 2 && shape == http.MethodGet:
		to.operation = "ListObjects"
	case to.key == "":
	case shape == http.MethodGet && q.Get("alt") == "media":
		to.operation, to.api = "ReadObject", mediaAPI
	case shape == http.MethodGet:
		to.operation = "GetObject"
	case shape == http.MethodPatch:
		to.operation = "UpdateObject"
	case shape == http.MethodDelete:
		to.operation = "DeleteObject"
	}
	return to
}

func uploadOperation(r *http.Request, q url.Values) string {
	session := q.Get("uploadType") == "resumable" && q.Get("upload_id") != ""
	switch {
	case r.Method == http.MethodDelete && session:
		return "CancelResumableWrite"
	case r.Method != http.MethodPost && (r.Method != http.MethodPut || !session):
	case session && r.Header.Get("Content-Range") == "bytes */*":
		return "QueryWriteStatus"
	case session:
		return "WriteChunk"
	case q.Get("uploadType") == "resumable":
		return "StartResumableWrite"
	case q.Get("uploadType") == "multipart":
		return "WriteObject"
	}
	return "Unknown"
}

func unescape(segment string) string {
	if plain, err := url.PathUnescape(segment); err == nil {
		return plain
	}
	return segment
}

// everywhere are the parameters of every operation, others those of some.
var (
	everywhere = [...]string{"alt", "prettyPrint", "projection", "userProject", "fields"}
	others     = map[string][]string{
		"ListObjects":  {"prefix", "delimiter", "startOffset", "endOffset", "pageToken", "maxResults"},
		"GetObject":    objectParameters,
		"ReadObject":   objectParameters,
		"HeadObject":   objectParameters,
		"UpdateObject": objectParameters,
		"DeleteObject": objectParameters,
	}
	objectParameters = []string{"generation", "ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch"}
	uploadParameters = []string{"uploadType", "upload_id", "name", "kmsKeyName"}
)

// known rejects parameters and headers that the server would ignore but the
// service would not.
func (r *request) known() error {
	for name, values := range r.query {
		known := slices.Contains(everywhere[:], name) || slices.Contains(others[r.operation], name)
		if r.query.Has("uploadType") {
			known = known || slices.Contains(uploadParameters, name) || slices.Contains(objectParameters, name)
		}
		if value := values[0]; !known && value != "" && value != "false" {
			return fail(http.StatusNotImplemented, "notImplemented", "parameter "+name)
		}
	}
	for _, name := range [...]string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"} {
		if r.Header.Get(name) != "" {
			return fail(http.StatusNotImplemented, "notImplemented", "header "+name)
		}
	}
	return nil
}
