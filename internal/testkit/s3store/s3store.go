// Package s3store makes replicas on a fake server with package s3, for the conformance
// suite.
package s3store

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// New returns the replica in fake of clients with the configuration cfg. layer is around
// fake, and close releases it.
func New(cfg s3.Config, fake *s3fake.Server, layer *httpfault.Layer, keys backend.Keys, close func() error) replicatest.Store {
	return fakestore.Replica[s3.Config]{
		Fake:   fake,
		Layer:  layer,
		Keys:   keys,
		Config: cfg,
		New:    func(cfg s3.Config) ltxstore.ReplicaClient { return s3.NewReplicaClient(cfg) },
		Fields: func(cfg *s3.Config) (bucket, path *string, writeOnce *bool) {
			return &cfg.Bucket, &cfg.Path, &cfg.WriteOnce
		},
		Uploads: fake.Uploads,
		Begin:   fake.AddUpload,
		FailDeletes: func(match func(key string) bool) {
			fake.FailDeletes(func(key string) string {
				if match(key) {
					return "AccessDenied"
				}
				return ""
			})
		},
		Read:      "GetObject",
		Lookups:   map[string]httpfault.Effect{"GetObject": httpfault.XML(500, "InternalError"), "HeadObject": httpfault.Status(500, nil, "")},
		Page:      httpfault.Match{Operation: "ListObjectsV2", Query: "continuation-token"},
		PageFails: httpfault.XML(500, "InternalError"),
	}.Store(close)
}
