package interop_test

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

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// gcsBucket is the bucket of a fake Google Cloud Storage server, in memory.
const gcsBucket = "interop"

// gcsServer is fake-gcs-server in this process. Where it is not as the service
// is, the cases are held on the library's own stricter server: see
// TestGCSConformance.
type gcsServer struct {
	*fakestorage.Server
	url    string
	stores atomic.Int64
}

func newGCSServer(t testing.TB) *gcsServer {
	t.Helper()
	front := httptest.NewUnstartedServer(nil)
	host := front.Listener.Addr().String()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		Scheme: "http", NoListener: true, PublicHost: host, ExternalURL: "http://" + host, Writer: io.Discard,
	})
	require.NoError(t, err)
	front.Config.Handler = server.HTTPHandler()
	front.Start()
	t.Cleanup(server.Stop)
	t.Cleanup(front.Close)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: gcsBucket})
	return &gcsServer{Server: server, url: front.URL}
}

func (s *gcsServer) config(path string, layout ltxstore.Layout) gcs.Config {
	return gcs.Config{
		Bucket: gcsBucket, Path: path, Layout: layout, Endpoint: s.url, Transfer: object.Options{PartSize: 256 << 10},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// names returns the names of the objects below a prefix.
func (s *gcsServer) names(prefix string) ([]string, error) {
	found, err := s.ListObjectsWithOptionsPaginated(gcsBucket, fakestorage.ListOptions{Prefix: prefix})
	var names []string
	for _, o := range found.Objects {
		names = append(names, strings.TrimPrefix(o.Name, prefix))
	}
	return names, err
}

// store returns a replica at a path that was never used.
func (s *gcsServer) store(layout ltxstore.Layout) (replicatest.Store, error) {
	base := s.config(fmt.Sprintf("case-%d/backups/db", s.stores.Add(1)), layout)
	keys, err := backend.NewKeys(layout, "")
	if err != nil {
		return replicatest.Store{}, err
	}
	var clients []*gcs.ReplicaClient
	with := func(change func(*gcs.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := base
			change(&cfg)
			c := gcs.NewReplicaClient(cfg)
			clients = append(clients, c)
			return c, nil
		}
	}
	first, _ := with(func(*gcs.Config) {})()
	prefix := base.Path + "/"
	return replicatest.Store{
		Client:  first,
		Another: with(func(*gcs.Config) {}),
		Once:    with(func(cfg *gcs.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return with(func(cfg *gcs.Config) { cfg.Path += suffix })()
		},
		Parent: with(func(cfg *gcs.Config) { cfg.Path = path.Dir(cfg.Path) }),
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				s.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: gcsBucket, Name: prefix + key}, Content: body})
				return nil
			},
			List: func(context.Context) ([]string, error) { return s.names(prefix) },
			Strip: func(_ context.Context, key string) error {
				o, err := s.GetObject(gcsBucket, prefix+key)
				o.Metadata = nil
				if err == nil {
					s.CreateObject(o)
				}
				return err
			},
		},
		Close: func() error {
			var errs []error
			for _, c := range clients {
				errs = append(errs, c.Close())
			}
			return errors.Join(errs...)
		},
	}, nil
}

func TestGCSConformance(t *testing.T) {
	for _, layout := range []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream} {
		t.Run(layout.String(), func(t *testing.T) {
			server := newGCSServer(t)
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) { return server.store(layout) },
				Lacks: []replicatest.Capability{
					// A server that does not fail on demand: this is done on
					// the one in the library's own tests.
					replicatest.FailingLookups, replicatest.FailingLists, replicatest.FailingDeletes,
					replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.Outages,
					replicatest.CountedRequests,
					replicatest.MissingStore,  // it says "Not Found" of a bucket as of an object
					replicatest.Leftovers,     // nobody can see an unfinished upload
					replicatest.BoundedMemory, // the server's memory is this process's
					replicatest.Secrets,       // it is sent none
				},
				PageSize:  20,
				BodySize:  300 << 10,
				LargeSize: 4 << 20,
			})
		})
	}
}
