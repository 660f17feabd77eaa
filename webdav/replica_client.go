// Package webdav stores a replica's LTX files on a WebDAV server.
//
// # URLs
//
//	webdav://[USER[:PASSWORD]@]HOST[:PORT]/PATH     over HTTP
//	webdavs://[USER[:PASSWORD]@]HOST[:PORT]/PATH    over HTTPS
//
// # Guarantees
//
// A write uploads a temporary file next to the target and moves it to its name, first
// without replacing a file, and then, if the name exists, with replacing it. Whether
// that is atomic depends on the server, which Init identifies with one request; set
// Config.AtomicMove for unknown servers. docs/stores/webdav.md has a table of them.
// WebDAV does not guarantee durability.
package webdav

import (
	"context"
	"net/http"
	"strings"

	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
)

const typeName = "webdav"

// ReplicaClient is a replica on a WebDAV server. NewReplicaClient returns one. It
// is safe for concurrent use. See [tree.Client] for its methods.
type ReplicaClient struct{ *tree.Client }

// NewReplicaClient returns a client of the replica that cfg describes. It sends no
// request and does not fail: if cfg is invalid, Init, which every method calls,
// returns the error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{tree.New(tree.Config{Type: typeName, Retry: cfg.Retry, Logger: cfg.Logger,
		Connect: func(ctx context.Context, log *oplog.Logger) (*tree.Store, error) { return connect(ctx, cfg, log) }})}
}

func connect(ctx context.Context, cfg Config, log *oplog.Logger) (*tree.Store, error) {
	base, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	cfg.Options = cfg.Options.WithDefaults()
	log.Secrets.Add(settings.Secrets(cfg)...)
	if err := cfg.HTTP.Check(typeName); err != nil {
		return nil, err
	}
	cfg.HTTP = cfg.HTTP.WithDefaults(max(cfg.MetadataConcurrency, cfg.DeleteConcurrency))
	cfg.HTTP.IdleTimeout = cfg.IdleTimeout
	rt, closeIdle, err := transport.Shared(cfg.HTTP)
	if err != nil {
		return nil, err
	}
	base.Path, base.RawPath = "/"+strings.Trim(base.Path+"/"+cfg.Path, "/"), ""
	s := &server{cfg: cfg, base: base, http: &http.Client{Transport: rt, CheckRedirect: transport.NoRedirect}}
	if err := s.probe(ctx, log); err != nil {
		closeIdle()
		return nil, err
	}
	return &tree.Store{
		Tree:    s,
		Traits:  tree.Traits{LinkMoves: true},
		Layout:  cfg.Layout,
		Options: cfg.Options,
		Where:   base.String(),
		Close:   closeIdle,
	}, nil
}
