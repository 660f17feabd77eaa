package comparison_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	litestreamnats "github.com/benbjohnson/litestream/nats"
	litestreamsftp "github.com/benbjohnson/litestream/sftp"
	litestreamwebdav "github.com/benbjohnson/litestream/webdav"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// served are what replicas lack whose server is a real one, within this process.
var served = []replicatest.Capability{
	replicatest.WriteOnce, replicatest.MissingStore, replicatest.CountedRequests, replicatest.FoundLevels, replicatest.RawFiles,
	replicatest.FailingLookups, replicatest.FailingLists, replicatest.FailingDeletes,
	replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.Outages, replicatest.BoundedMemory,
}

// stockSFTP is Litestream's client of SFTP, on a server of package pkg/sftp.
func stockSFTP(t *testing.T) replicatest.Config {
	server := servers.SFTP(t)
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			dir, err := os.MkdirTemp(server.Dir, "store")
			return fileStore(dir, filepath.Join(dir, "db"), func(path string) ltxstore.ReplicaClient {
				c := litestreamsftp.NewReplicaClient()
				c.Host, c.User, c.Password, c.HostKey, c.Path = server.Address, server.User, server.Password, server.HostKey, path
				return c
			}), err
		},
		Lacks: append([]replicatest.Capability{replicatest.PreciseTimes}, served...), PageSize: 50, Secrets: []string{server.Password},
		IgnoreGoroutine: func(stack string) bool {
			return strings.Contains(stack, "crypto/ssh") || strings.Contains(stack, "pkg/sftp") || strings.Contains(stack, "servers.")
		},
	}
}

// stockWebDAV is Litestream's client of WebDAV, on a server of golang.org/x/net.
func stockWebDAV(t *testing.T) replicatest.Config {
	server := servers.WebDAV(t)
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			dir, err := os.MkdirTemp(server.Dir, "store")
			store := fileStore(dir, filepath.Join(dir, "db"), func(path string) ltxstore.ReplicaClient {
				c := litestreamwebdav.NewReplicaClient()
				c.URL, c.Username, c.Password = server.URL, server.User, server.Password
				c.Path = strings.TrimPrefix(path, server.Dir)
				return c
			})
			store.Raw.Strip = nil // there are no times to lose
			return store, err
		},
		Lacks: append([]replicatest.Capability{replicatest.Stripping}, served...), PageSize: 50, Secrets: []string{server.Password},
	}
}

// stockNATS is Litestream's client of NATS. It knows no path: a sibling is another
// path of its field that no setting reaches.
func stockNATS(t *testing.T) replicatest.Config {
	server := servers.NATS(t, "unused")
	var buckets atomic.Int64
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			bucket := fmt.Sprintf("bucket-%d", buckets.Add(1))
			store := server.Bucket(t, bucket)
			const at = "backups/db"
			keys, err := backend.NewKeys(ltxstore.LayoutLitestream, "")
			open := func(bucket, path string) (ltxstore.ReplicaClient, error) {
				c := litestreamnats.NewReplicaClient()
				c.URL, c.BucketName, c.Path, c.Username, c.Password = server.URL, bucket, path, server.User, server.Password
				return c, nil
			}
			client, _ := open(bucket, at)
			return replicatest.Store{
				Client:  client,
				Another: func() (ltxstore.ReplicaClient, error) { return open(bucket, at) },
				Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return open(bucket, at+suffix) },
				Parent:  func() (ltxstore.ReplicaClient, error) { return open(bucket, path.Dir(at)) },
				Missing: func() (ltxstore.ReplicaClient, error) { return open("no-such-bucket", at) },
				Raw: &replicatest.Raw{
					Keys: keys,
					Put: func(ctx context.Context, key string, body []byte) error {
						_, err := store.PutBytes(ctx, at+"/"+key, body)
						return err
					},
					List: func(ctx context.Context) ([]string, error) {
						objects, err := servers.Objects(ctx, store)
						var names []string
						for name := range objects {
							names = append(names, name)
						}
						return below(names, at+"/", ""), err
					},
				},
			}, err
		},
		Lacks: slices.DeleteFunc(slices.Concat(served, []replicatest.Capability{replicatest.Stripping, replicatest.Leftovers}),
			func(c replicatest.Capability) bool { return c == replicatest.MissingStore }),
		PageSize: 50, Secrets: []string{server.Password},
		IgnoreGoroutine: func(stack string) bool { return strings.Contains(stack, "nats-io/") },
	}
}
