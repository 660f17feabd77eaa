package interop_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	litestreamabs "github.com/benbjohnson/litestream/abs"
	litestreamoss "github.com/benbjohnson/litestream/oss"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/oss"
)

// TestABSLive replicates to the library's double of Azure's blob service: see
// live. Package testservers has the same exchange on Azurite.
func TestABSLive(t *testing.T) {
	for _, tr := range gcsTrees {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			server := servers.ABS(t, absfake.Options{})
			live(t, tr, func(t *testing.T, name string) ltxstore.ReplicaClient {
				if name == "stock" {
					c := litestreamabs.NewReplicaClient()
					c.Endpoint, c.AccountName, c.AccountKey, c.Bucket, c.Path = server.URL, server.Account, server.Key, server.Container, "backups/db"
					require.NoError(t, c.Init(t.Context()))
					return c
				}
				return ours(t, name, func(layout ltxstore.Layout) *abs.ReplicaClient {
					return abs.NewReplicaClient(abs.Config{Endpoint: server.URL, Account: server.Account, AccountKey: server.Key,
						Bucket: server.Container, Path: "backups/db", Layout: layout, Logger: slog.New(slog.DiscardHandler)})
				})
			}, func(t *testing.T) string {
				return mirror(t, "backups/db/", server.Keys(server.Container), func(key string) []byte {
					blob, _ := server.Get(server.Container, key)
					return blob.Body
				})
			})
		})
	}
}

// TestOSSLive replicates to the library's double of Alibaba Cloud's Object
// Storage Service: see live. Litestream's own client is sent there by its
// endpoint: the SDK addresses a server that is an IP address by path.
func TestOSSLive(t *testing.T) {
	for _, tr := range s3Trees {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			server := servers.OSS(t, ossfake.Options{})
			live(t, tr, func(t *testing.T, name string) ltxstore.ReplicaClient {
				if name == "stock" {
					c := litestreamoss.NewReplicaClient()
					c.Endpoint, c.Region, c.AccessKeyID, c.AccessKeySecret = server.URL, server.Region, server.AccessKey, server.SecretKey
					c.Bucket, c.Path = server.Bucket, "backups/db"
					require.NoError(t, c.Init(t.Context()))
					return c
				}
				return ours(t, name, func(layout ltxstore.Layout) *oss.ReplicaClient {
					return oss.NewReplicaClient(oss.Config{Endpoint: server.URL, Region: server.Region, AccessKeyID: server.AccessKey,
						SecretAccessKey: server.SecretKey, Bucket: server.Bucket, Path: "backups/db", Layout: layout, Logger: slog.New(slog.DiscardHandler)})
				})
			}, func(t *testing.T) string {
				return mirror(t, "backups/db/", server.Keys(server.Bucket), func(key string) []byte {
					object, _ := server.Get(server.Bucket, key)
					return object.Body
				})
			})
		})
	}
}

// mirror copies every object below prefix into a folder.
func mirror(t *testing.T, prefix string, keys []string, get func(key string) []byte) string {
	t.Helper()
	dir := t.TempDir()
	for _, key := range keys {
		name, ok := strings.CutPrefix(key, prefix)
		require.True(t, ok, "%s is not below %s", key, prefix)
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, get(key), 0o600))
	}
	return dir
}
