package comparison_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"

	litestreamabs "github.com/benbjohnson/litestream/abs"
	litestreamoss "github.com/benbjohnson/litestream/oss"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// place is where a client's replica is.
type place struct{ bucket, path string }

// stockObject makes a configuration for a client of an object store, on the
// double by which the library's own client is judged.
func stockObject(layout ltxstore.Layout, replica fakestore.Replica[place], bucket string, open func(place) ltxstore.ReplicaClient) replicatest.Config {
	keys, err := backend.NewKeys(layout, "")
	if err != nil {
		panic(err) // the layout is a constant
	}
	replica.Keys, replica.New = keys, open
	replica.Fields = func(at *place) (*string, *string, *bool) { return &at.bucket, &at.path, nil }
	var stores atomic.Int64
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			r := replica
			r.Config = place{bucket, fmt.Sprintf("case-%d/db", stores.Add(1))}
			store := r.Store(func() error {
				r.Layer.Clear()
				r.FailDeletes(nil)
				return nil
			})
			store.Once = nil
			return store, nil
		},
		Lacks:    []replicatest.Capability{replicatest.WriteOnce, replicatest.BoundedMemory, replicatest.FoundLevels, replicatest.RawFiles},
		PageSize: pageSize,
	}
}

// stockABS is Litestream's client of Azure's blob service. A fault of a listing is
// one that the SDK does not repeat: Litestream lets it do so for minutes.
func stockABS(t *testing.T) replicatest.Config {
	server := servers.ABS(t, absfake.Options{PageSize: pageSize})
	cfg := stockObject(ltxstore.LayoutLitestream, fakestore.Replica[place]{
		Fake: server, Layer: server.Layer, Uploads: server.Uncommitted, FailDeletes: server.FailDeletes,
		Begin: func(bucket, key string) {
			server.Stage(bucket, key, base64.StdEncoding.EncodeToString(make([]byte, 64)), []byte("block"))
		},
		Read:      "GetBlob",
		Page:      httpfault.Match{Operation: "ListBlobs", Query: "marker"},
		PageFails: httpfault.Status(http.StatusForbidden, nil, ""),
	}, server.Container, func(at place) ltxstore.ReplicaClient {
		c := litestreamabs.NewReplicaClient()
		c.Endpoint, c.AccountName, c.AccountKey, c.Bucket, c.Path = server.URL, server.Account, server.Key, at.bucket, at.path
		c.SetLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
		return c
	})
	cfg.Secrets = []string{server.Key}
	return cfg
}

// stockOSS is Litestream's client of Alibaba Cloud's Object Storage Service.
func stockOSS(t *testing.T) replicatest.Config {
	server := servers.OSS(t, ossfake.Options{PageSize: pageSize})
	cfg := stockObject(ltxstore.LayoutLitestreamS3, fakestore.Replica[place]{
		Fake: server, Layer: server.Layer, Uploads: server.Uploads, Begin: server.Begin, FailDeletes: server.FailDeletes,
		Read: "GetObject",
		Lookups: map[string]httpfault.Effect{
			"GetObject": httpfault.Status(http.StatusForbidden, nil, ""), "HeadObject": httpfault.Status(http.StatusForbidden, nil, ""),
		},
		Page:      httpfault.Match{Operation: "ListObjectsV2", Query: "continuation-token"},
		PageFails: httpfault.Status(http.StatusForbidden, nil, ""),
	}, server.Bucket, func(at place) ltxstore.ReplicaClient {
		c := litestreamoss.NewReplicaClient()
		c.Endpoint, c.Region, c.AccessKeyID, c.AccessKeySecret = server.URL, server.Region, server.AccessKey, server.SecretKey
		c.Bucket, c.Path = at.bucket, at.path
		c.SetLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
		return c
	})
	cfg.Secrets = []string{server.SecretKey}
	return cfg
}
