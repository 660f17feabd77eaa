package webdav

import (
	"context"
	"net/http"
	"strings"

	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// product is what is known of a WebDAV server.
type product struct {
	name string

	// atomicMove says that a MOVE replaces a file in one step: a reader finds the
	// old one or the new one. Other servers remove the old one first.
	atomicMove bool

	// racyMove says that of several moves to a new name at once, none of which
	// may replace a file, more than one may succeed.
	racyMove bool
}

// identify recognizes a server by its answer to OPTIONS, and ignores what a proxy
// adds or hides, such as the header Server.
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

// probe asks which server it is, by one request that changes nothing. A server
// that fails to answer, or is unknown, counts as one whose MOVE is not atomic,
// which costs another request for each file that is missing.
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
		log.Get().WarnContext(ctx, "webdav server does not keep write-once between writers of the same moment", "product", s.product.name)
	}
	return flow.Err(ctx)
}
