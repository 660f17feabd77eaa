package comparison_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	litestreams3 "github.com/benbjohnson/litestream/s3"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const (
	bucket   = "bucket"
	pageSize = 16
	secret   = "correct-horse-battery-staple"
)

// stockS3 is Litestream's client of S3, on the server by which the library's own
// is judged: one that fails on demand, and is otherwise as the service is.
func stockS3(t *testing.T) replicatest.Config {
	s3fake.Isolate()
	server := s3fake.New(s3fake.Options{AccessKeyID: "AKIDFAKE", SecretAccessKey: secret, PageSize: pageSize}, bucket)
	layer := httpfault.New(server)
	layer.Name(s3fake.Operation)
	web := httptest.NewServer(layer)
	t.Cleanup(web.Close)
	var stores atomic.Int64
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			return s3Store(server, layer, web.URL, fmt.Sprintf("case-%d/db", stores.Add(1)))
		},
		Lacks:    []replicatest.Capability{replicatest.WriteOnce, replicatest.BoundedMemory, replicatest.FoundLevels, replicatest.RawFiles},
		PageSize: pageSize,
		Secrets:  []string{secret},
	}
}

func s3Store(server *s3fake.Server, layer *httpfault.Layer, endpoint, at string) (replicatest.Store, error) {
	open := func(bucket, at string) (ltxstore.ReplicaClient, error) {
		c := litestreams3.NewReplicaClient()
		c.Bucket, c.Path, c.Region, c.Endpoint, c.ForcePathStyle = bucket, at, "us-east-1", endpoint, true
		c.AccessKeyID, c.SecretAccessKey = "AKIDFAKE", secret
		c.SetLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
		return c, nil
	}
	client, _ := open(bucket, at)
	prefix := at + "/"
	keys, err := backend.NewKeys(ltxstore.LayoutLitestreamS3, "")
	always := func(match httpfault.Match, do httpfault.Effect) {
		layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	get := httpfault.Match{Operation: "GetObject"}
	return replicatest.Store{
		Client:  client,
		Another: func() (ltxstore.ReplicaClient, error) { return open(bucket, at) },
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return open(bucket, at+suffix) },
		Parent:  func() (ltxstore.ReplicaClient, error) { return open(bucket, path.Dir(at)) },
		Missing: func() (ltxstore.ReplicaClient, error) { return open("no-such-bucket", at) },

		Requests: layer.Requests,
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				server.Put(bucket, prefix+key, body)
				return nil
			},
			List: func(context.Context) ([]string, error) {
				return append(below(server.Keys(bucket), prefix, ""), below(server.Uploads(bucket), prefix, "upload:")...), nil
			},
			Leave: func(context.Context) error {
				server.AddUpload(bucket, prefix+keys.File(0, 1, 1))
				return nil
			},
			Strip: func(_ context.Context, key string) error {
				if !server.Strip(bucket, prefix+key) {
					return errors.New("no such object")
				}
				return nil
			},
		},
		Faults: &replicatest.Faults{
			Lookups: func() {
				always(get, httpfault.XML(500, "InternalError"))
				always(httpfault.Match{Operation: "HeadObject"}, httpfault.Status(500, nil, ""))
			},
			Lists: func() {
				always(httpfault.Match{Operation: "ListObjectsV2", Query: "continuation-token"}, httpfault.XML(500, "InternalError"))
			},
			Cut:   func(n int64) { always(get, httpfault.Truncate(n)) },
			Stall: func(n int64) { always(get, httpfault.StallAfter(n)) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				server.FailDeletes(func(key string) string { return refused(keys, prefix, key, match, "AccessDenied") })
			},
			Unreachable: func() { always(httpfault.Match{}, httpfault.Refuse()) },
		},
		Close: func() error {
			layer.Clear()
			server.FailDeletes(nil)
			return nil
		},
	}, err
}

// refused returns code for a key whose file matches.
func refused(keys backend.Keys, prefix, key string, match func(level int, minTXID, maxTXID ltx.TXID) bool, code string) string {
	if level, minTXID, maxTXID, ok := keys.Parse(strings.TrimPrefix(key, prefix)); ok && match(level, minTXID, maxTXID) {
		return code
	}
	return ""
}

// below returns the keys below a prefix, relative to it, marked.
func below(keys []string, prefix, mark string) (names []string) {
	for _, key := range keys {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			names = append(names, mark+name)
		}
	}
	return names
}
