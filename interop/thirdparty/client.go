// Package thirdparty is a backend as a stranger would write one: it imports
// public packages only. docs/adding-a-backend.md explains it.
//
// Its store is a small key-value service over HTTP. An object is at
// ENDPOINT/BUCKET/KEY, and visible once its body has arrived whole. Every answer
// has the header Kv-Service, and a failed one has Kv-Error too.
package thirdparty

import (
	"context"
	"net/http"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
)

const typeName = "kv"

func init() {
	settings.Register(settings.Backend[Config, *object.Client]{Schemes: []string{typeName}, Place: placeOf, New: New})
}

// placeOf reads kv://BUCKET/PATH, which may be followed by ?endpoint=… and the other settings.
func placeOf(u settings.URL) (map[string]string, error) {
	return map[string]string{"bucket": u.Host, "path": u.Path}, nil
}

// Config says where a replica is and how to reach it. The tags are its settings.
type Config struct {
	Endpoint  string         `ltx:"endpoint" default:"required" help:"The service's URL, such as https://kv.example."`
	Bucket    string         `ltx:"bucket" match:"^[^/]+$" want:"a bucket's name, without a slash" default:"required" help:"The bucket's name."`
	Token     string         `ltx:"token,secret" default:"none" help:"What authorizes each request."`
	Path      string         `ltx:"path,path" default:"the bucket's root" help:"The replica's place in the bucket."`
	WriteOnce bool           `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`
	Retry     ltxstore.Retry `ltx:"retry"`
}

// New returns a client of the replica that cfg describes. It sends nothing and
// cannot fail: Init, which every method calls, returns what is wrong with cfg.
func New(cfg Config) *object.Client {
	return object.New(object.Config{Type: typeName, Retry: cfg.Retry, Connect: cfg.connect})
}

// connect checks cfg and makes the store. It sends nothing.
func (cfg Config) connect(_ context.Context, log *oplog.Logger) (*object.Store, error) {
	log.Secrets.Add(cfg.Token)
	if err := settings.Validate(typeName, cfg); err != nil {
		return nil, err
	}
	endpoint, err := transport.ParseEndpoint(cfg.Endpoint)
	if err != nil {
		return nil, backend.Invalid(typeName, "init", "Endpoint", ltxstore.Redact(cfg.Endpoint), transport.WantEndpoint)
	}
	if cfg.Bucket == "" {
		return nil, backend.Invalid(typeName, "init", "Bucket", cfg.Bucket, "want a bucket's name")
	}
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, cfg.Path)
	if err != nil {
		return nil, err
	}
	endpoint.Path = strings.TrimSuffix(endpoint.Path, "/") + "/" + cfg.Bucket
	pool := transport.Default()
	return &object.Store{
		Bucket:    &bucket{url: *endpoint, token: cfg.Token, http: &http.Client{Transport: pool}},
		Traits:    object.Traits{ListsMetadata: true},
		Keys:      keys,
		WriteOnce: cfg.WriteOnce,
		Options:   object.Options{UploadThreshold: 1 << 20, MetadataConcurrency: 8, DeleteConcurrency: 8},
		Close:     pool.CloseIdleConnections,
	}, nil
}
