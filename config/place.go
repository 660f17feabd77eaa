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
			s.warn(s.n, "endpoint%s has no scheme: Litestream uses https", s.at["endpoint"].bracket())
			given["endpoint"] = "https://" + endpoint // in a URL it may be http
		}
	}
	// Inherited settings apply in addition to a URL, and must not contradict it.
	if src.URL != "" {
		for _, key := range []string{"bucket", "endpoint", "region", "host", "account-name"} {
			if value := src.Defaults[key]; value != "" && src.Settings[key] == "" {
				src.Settings[key] = value
			}
		}
	}
	getenv := src.Getenv
	src.Getenv = func(key string) (string, bool) {
		if key == "LITESTREAM_S3_ENDPOINT" { // its command line's alone
			return "", false
		}
		return getenv(key)
	}
	place, query, hasQuery := strings.Cut(src.URL, "?")
	if src.Type == "file" {
		if place = fileURL(place); place != "" && place != escapedOnce(src.URL) {
			s.warn(s.n, "the directory's name contains the escapes of the URL, as in Litestream: use path instead of url")
		}
	} else if scheme, rest, ok := strings.Cut(place, "://"); ok && isBucket(src.Type) && !strings.HasPrefix(strings.ToLower(rest), "arn:") {
		place = scheme + "://" + bucketURL(rest)
	}
	if src.URL = place; hasQuery {
		src.URL += "?" + query
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

// fileURL returns the URL of the directory that Litestream uses for a file
// URL: Litestream does not decode escapes, so the name of the directory
// contains "%20".
func fileURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "file" || u.Host != "" {
		return raw
	}
	u.Scheme = ""
	dir := escape(path.Clean(u.String()))
	if strings.HasPrefix(dir, "/") {
		return "file://" + dir
	}
	return "file:" + dir
}

// natsPlace is litestreamPlace for a nats section. Litestream ignores its
// path: the replica is at the root of the bucket, and with the path we would
// restore nothing or begin a second replica. The section may have a bucket
// and a URL without one.
func (s *section) natsPlace() {
	src := s.src
	if path := src.Settings["path"]; path != "" {
		s.wrong("path", "path%s is ignored by Litestream, whose nats replica is at the bucket's root: "+
			"remove it to open that replica, or put a replica below %q outside of dbs, as replica", s.at["path"].bracket(), path)
		return
	}
	u, err := url.Parse(src.URL)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" || src.Settings["bucket"] == "" {
		return // as it is for every backend
	}
	src.URL, src.Settings["servers"] = "", "nats://"+u.Host
}

// escapedOnce returns a file URL in normal form, without changing which
// directory it names.
func escapedOnce(raw string) string {
	place, _, _ := strings.Cut(raw, "?")
	scheme, dir, _ := strings.Cut(place, ":")
	dir, authority := strings.CutPrefix(dir, "//")
	decoded, err := url.PathUnescape(dir)
	if err != nil {
		return raw
	}
	if dir = escape(path.Clean(decoded)); authority {
		dir = "//" + dir
	}
	return scheme + ":" + dir
}

// subFileURL returns the file URL that Litestream uses for a database in a
// directory.
func subFileURL(raw, clean string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	u.Path, u.RawPath = "/"+strings.TrimPrefix(path.Join(u.Path, clean), "/"), ""
	return u.String()
}
