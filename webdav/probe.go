package webdav

import (
	"context"
	"net/http"
	"strings"

	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// product describes a WebDAV server.
type product struct {
	name string

	// atomicMove means that MOVE replaces a file in one step: readers find either
	// the old or the new file. Other servers remove the old file first.
	atomicMove bool

	// racyMove means that of several concurrent moves to a new name, none of which
	// may replace a file, more than one may succeed.
	racyMove bool
}

// identify returns the product for a response to OPTIONS. It ignores headers that a
// proxy may add or hide, such as Server.
func identify(answer http.Header) product {
	allow := strings.Join(answer.Values("Allow"), ", ")
	switch {
	case strings.Contains(strings.Join(answer.Values("Dav"), ", "), "<http://apache.org/dav/propset/fs/1>"):
		return product{name: "Apache mod_dav_fs", racyMove: true}
	case allow == "GET,HEAD,PUT,DELETE,MKCOL,COPY,MOVE,PROPFIND,OPTIONS,LOCK,UNLOCK":
		return product{name: "nginx with dav-ext", atomicMove: true}
	case strings.HasPrefix(allow, "OPTIONS, LOCK, ") && answer.Get("Ms-Author-Via") == "DAV":
		return product{name: "golang.org/x/net/webdav"} // and rclone
	}
	return product{name: "unknown"}
}

// probe identifies the server with one request that changes nothing. If the server
// does not respond or is unknown, its MOVE is assumed not to be atomic, which costs
// another request for each missing file.
func (s *server) probe(ctx context.Context, log *oplog.Logger) error {
	answer, err := s.send(ctx, http.MethodOptions, s.dir(""), nil, nil, 0)
	if err == nil {
		s.product = identify(answer.Header)
		drain(answer.Body)
	}
	if s.cfg.AtomicMove != nil {
		s.product.atomicMove = *s.cfg.AtomicMove
	}
	log.Get().Debug("webdav server", "product", s.product.name, "atomic-move", s.product.atomicMove)
	if s.cfg.WriteOnce && s.product.racyMove {
		log.Get().WarnContext(ctx, "webdav server does not enforce write-once between concurrent writers", "product", s.product.name)
	}
	return flow.Err(ctx)
}
