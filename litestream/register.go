package litestream

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/backends"
)

// schemes are those of Litestream's URLs, and "gcs". The
// engine has "webdavs" opened by the factory of "webdav".
var schemes = []string{"file", "s3", "gs", "gcs", "abs", "sftp", "webdav", "nats", "oss"}

func init() { Register() }

// Register registers this library's backends for the URLs that the engine opens.
// Importing the package does so too. A program that also imports Litestream's own
// backends, which register themselves when they are imported, calls Register to be
// sure that these are used.
//
// A URL names the place that it names in Litestream, and may have this library's
// settings, also those of the wrappers that the program imports. A "file" URL has
// none: the engine drops its query.
func Register() {
	for _, scheme := range schemes {
		if _, err := (ltxstore.Source{Type: scheme}).Scheme(); err == nil {
			engine.RegisterReplicaClientFactory(scheme, open)
		}
	}
}

// open is an engine.ReplicaClientFactory.
func open(scheme, host, path string, query url.Values, user *url.Userinfo) (engine.ReplicaClient, error) {
	c, err := ltxstore.OpenSource(context.Background(), ltxstore.Source{
		URL: join(scheme, host, path, query, user), Layout: layoutOf(scheme).String()})
	if err != nil {
		return nil, fmt.Errorf("open %s replica: %w", scheme, err)
	}
	return Client(c), nil
}

// join returns the URL that the engine has split into these parts. The path of a
// file is that of the URL, undecoded, which is also the directory's name.
func join(scheme, host, path string, query url.Values, user *url.Userinfo) string {
	var b strings.Builder
	b.WriteString(scheme + ":")
	if scheme != "file" {
		b.WriteString("//")
		if user != nil {
			b.WriteString(user.String() + "@")
		}
		b.WriteString(host + "/")
	} else if strings.HasPrefix(path, "/") {
		b.WriteString("//")
	}
	for i, segment := range strings.Split(path, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(url.PathEscape(segment))
	}
	if len(query) > 0 {
		b.WriteString("?" + query.Encode())
	}
	return b.String()
}

// layoutOf returns the layout of Litestream's replicas.
func layoutOf(scheme string) ltxstore.Layout {
	if scheme == "s3" || scheme == "oss" {
		return ltxstore.LayoutLitestreamS3
	}
	return ltxstore.LayoutLitestream
}
