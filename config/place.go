package config

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// litestreamPlace changes src where a URL or a setting means something else
// in Litestream v0.5.18, so that the replica is at the same place as with
// Litestream.
func (s *section) litestreamPlace() {
	src := s.src
	for _, given := range []map[string]string{src.Settings, src.Defaults} {
		if endpoint := given["endpoint"]; endpoint != "" && !strings.Contains(endpoint, "://") {
			given["endpoint"] = "https://" + endpoint // in a URL it may be http
		}
	}
	getenv := src.Getenv
	src.Getenv = func(key string) (string, bool) {
		if key == "LITESTREAM_S3_ENDPOINT" { // its command line's alone
			return "", false
		}
		return getenv(key)
	}
	if src.URL == "" {
		return
	}
	// Inherited settings apply in addition to a URL, and must not contradict it.
	for _, key := range []string{"bucket", "endpoint", "region", "host", "account-name"} {
		if value := src.Defaults[key]; value != "" && src.Settings[key] == "" {
			src.Settings[key] = value
		}
	}
	place, query, hasQuery := strings.Cut(src.URL, "?")
	scheme, rest, ok := strings.Cut(place, "://")
	switch {
	case src.Type == "file" && strings.Contains(escape(place), "%"):
		s.invalid(s.n, "url has characters that are escaped: in Litestream, the directory has the escapes in its name: want path in place of url")
	case ok && isBucket(src.Type) && !strings.HasPrefix(strings.ToLower(rest), "arn:"):
		if src.URL = scheme + "://" + bucketURL(rest); hasQuery {
			src.URL += "?" + query
		}
	}
}

// bucketURL returns BUCKET/PATH with the path cleaned as Litestream does: the
// path of "bucket" is ".", and that of "bucket/" is empty. A path that no URL
// has is returned as it is, for the backend to reject.
func bucketURL(rest string) string {
	bucket, raw, hasPath := strings.Cut(rest, "/")
	if hasPath {
		raw = "/" + raw
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil || strings.ContainsFunc(raw, func(c rune) bool { return c == '#' || unicode.IsControl(c) }) {
		return rest
	}
	return bucket + "/" + escape(strings.TrimPrefix(path.Clean(decoded), "/"))
}

// escape escapes a path for a URL.
func escape(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// natsPlace is litestreamPlace for a nats section. Litestream ignores its
// path: the replica is at the root of the bucket, and with the path we would
// restore nothing or begin a second replica. The section may have a bucket
// and a URL without one.
func (s *section) natsPlace(wrong func(key, format string, args ...any)) {
	src := s.src
	if path := src.Settings["path"]; path != "" {
		wrong("path", "path is ignored by Litestream, whose nats replica is at the bucket's root: "+
			"remove it to open that replica, or put a replica below %q outside of dbs, as replica", path)
		return
	}
	u, err := url.Parse(src.URL)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" || src.Settings["bucket"] == "" {
		return // as it is for every backend
	}
	src.URL, src.Settings["servers"] = "", "nats://"+u.Host
}
