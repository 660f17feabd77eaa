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
	"github.com/ltxstore/ltxstore/backend/transport"
)

const typeName = "kv"

// Config says where a replica is and how to reach it.
type Config struct {
	// Endpoint, such as https://kv.example, and Bucket's name are required.
	Endpoint, Bucket string

	// Token authorizes each request.
	Token string

	// Path is the replica's place in the bucket: see backend.NewKeys.
	Path string

	// WriteOnce refuses to replace a file by other content (clause W6).
	WriteOnce bool

	// Retry is how failed requests are repeated. The zero value is the default.
	Retry ltxstore.Retry
}

// New returns a client of the replica that cfg describes. It sends nothing and
// cannot fail: Init, which every method calls, returns what is wrong with cfg.
func New(cfg Config) *object.Client {
	return object.New(object.Config{
		Type:  typeName,
		Retry: cfg.Retry,
		Connect: func(_ context.Context, log *oplog.Logger) (*object.Store, error) {
			log.Secrets.Add(cfg.Token)
			return connect(cfg)
		},
	})
}

// connect checks cfg and makes the store. It sends nothing.
func connect(cfg Config) (*object.Store, error) {
	endpoint, err := transport.ParseEndpoint(cfg.Endpoint)
	if err != nil {
		return nil, backend.Invalid(typeName, "init", "Endpoint", ltxstore.Redact(cfg.Endpoint), transport.WantEndpoint)
	}
	if cfg.Bucket == "" || strings.Contains(cfg.Bucket, "/") {
		return nil, backend.Invalid(typeName, "init", "Bucket", cfg.Bucket, "want a bucket's name, without a slash")
	}
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, cfg.Path)
	if err != nil {
		return nil, err
	}
	endpoint.Path = strings.TrimSuffix(endpoint.Path, "/") + "/" + cfg.Bucket
	pool := transport.Default()
	return &object.Store{
		Bucket:              &bucket{url: *endpoint, token: cfg.Token, http: &http.Client{Transport: pool}},
		Traits:              object.Traits{ListsMetadata: true},
		Keys:                keys,
		Place:               []string{endpoint.String()},
		WriteOnce:           cfg.WriteOnce,
		UploadThreshold:     1 << 20,
		MetadataConcurrency: 8,
		DeleteConcurrency:   8,
		Close:               pool.CloseIdleConnections,
	}, nil
}
