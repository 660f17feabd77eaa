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

// schemes are those of Litestream's URLs, and "gcs". The engine opens "webdavs"
// with the factory of "webdav".
var schemes = []string{"file", "s3", "gs", "gcs", "abs", "sftp", "webdav", "nats", "oss"}

func init() { Register() }

// Register registers this library's backends for the URLs that the engine opens,
// as importing the package does. A program that also imports Litestream's own
// backends, which register themselves too, must call Register to be sure that
// those of this library are used.
//
// A URL refers to the same place as in Litestream, and may contain this library's
// settings, including those of the wrappers that the program imports. A "file" URL
// cannot: the engine drops its query.
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

// join returns the URL that the engine split into these parts. The path of a
// "file" URL is not decoded, because it is the directory's name.
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
