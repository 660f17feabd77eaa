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

	litestreamgs "github.com/benbjohnson/litestream/gs"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// stockGS is Litestream's client of Google Cloud Storage, on the server by which
// the library's own is judged.
func stockGS(t *testing.T) replicatest.Config {
	server := gcsfake.New(gcsfake.Options{PageSize: pageSize}, bucket)
	layer := httpfault.New(server)
	layer.Name(gcsfake.Operation)
	web := httptest.NewServer(layer)
	t.Cleanup(web.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(web.URL, "http://"))
	var stores atomic.Int64
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			return gsStore(server, layer, fmt.Sprintf("case-%d/db", stores.Add(1)))
		},
		Lacks: []replicatest.Capability{
			replicatest.WriteOnce, replicatest.BoundedMemory, replicatest.FoundLevels, replicatest.RawFiles,
			replicatest.Leftovers, // an unfinished upload cannot be seen by anybody
			replicatest.Secrets,   // an emulator is sent none
		},
		PageSize: pageSize,
	}
}

func gsStore(server *gcsfake.Server, layer *httpfault.Layer, at string) (replicatest.Store, error) {
	open := func(bucket, at string) (ltxstore.ReplicaClient, error) {
		c := litestreamgs.NewReplicaClient()
		c.Bucket, c.Path = bucket, at
		c.SetLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
		return c, nil
	}
	client, _ := open(bucket, at)
	prefix := at + "/"
	keys, err := backend.NewKeys(ltxstore.LayoutLitestream, "")
	always := func(match httpfault.Match, do httpfault.Effect) {
		layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	read := httpfault.Match{Operation: "ReadObject"}
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
				return append(below(server.Keys(bucket), prefix, ""), below(server.Sessions(bucket), prefix, "upload:")...), nil
			},
			Strip: func(_ context.Context, key string) error {
				if !server.Strip(bucket, prefix+key) {
					return errors.New("no such object")
				}
				return nil
			},
		},
		Faults: &replicatest.Faults{
			Lookups: func() { always(read, httpfault.Status(500, nil, "")) },
			Lists: func() {
				always(httpfault.Match{Operation: "ListObjects", Query: "pageToken"}, httpfault.Status(500, nil, ""))
			},
			Cut:   func(n int64) { always(read, httpfault.Truncate(n)) },
			Stall: func(n int64) { always(read, httpfault.StallAfter(n)) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				server.FailDeletes(func(key string) string { return refused(keys, prefix, key, match, "forbidden") })
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
