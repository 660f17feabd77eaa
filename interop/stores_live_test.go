package interop_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	litestreamnats "github.com/benbjohnson/litestream/nats"
	litestreamsftp "github.com/benbjohnson/litestream/sftp"
	litestreamwebdav "github.com/benbjohnson/litestream/webdav"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/sftp"
	"github.com/ltxstore/ltxstore/webdav"
)

// ours makes a client of this library's in the layout of that name.
func ours[C ltxstore.ReplicaClient](t *testing.T, name string, open func(layout ltxstore.Layout) C) ltxstore.ReplicaClient {
	t.Helper()
	layout, err := ltxstore.ParseLayout(name)
	require.NoError(t, err)
	c := open(layout)
	t.Cleanup(func() { require.NoError(t, ltxstore.Close(c)) })
	return c
}

// coarse are gcsTrees for stores whose times Litestream's client takes from the
// server.
func coarse() (trees []tree) {
	for _, tr := range gcsTrees {
		tr.coarse = true
		trees = append(trees, tr)
	}
	return trees
}

// TestSFTPLive replicates to an SSH server: see live.
func TestSFTPLive(t *testing.T) {
	for _, tr := range coarse() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			server := servers.SFTP(t)
			dir := filepath.Join(server.Dir, "replica")
			live(t, tr, func(t *testing.T, name string) ltxstore.ReplicaClient {
				if name == "stock" {
					c := litestreamsftp.NewReplicaClient()
					c.Host, c.User, c.Password, c.HostKey, c.Path = server.Address, server.User, server.Password, server.HostKey, dir
					require.NoError(t, c.Init(t.Context()))
					return c
				}
				return ours(t, name, func(layout ltxstore.Layout) *sftp.ReplicaClient {
					return sftp.NewReplicaClient(sftp.Config{Host: server.Address, User: server.User, Password: server.Password,
						HostKey: server.HostKey, Path: dir, Layout: layout, Logger: slog.New(slog.DiscardHandler)})
				})
			}, func(*testing.T) string { return dir })
		})
	}
}

// TestWebDAVLive replicates to a WebDAV server: see live.
func TestWebDAVLive(t *testing.T) {
	for _, tr := range coarse() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			server := servers.WebDAV(t)
			live(t, tr, func(t *testing.T, name string) ltxstore.ReplicaClient {
				if name == "stock" {
					c := litestreamwebdav.NewReplicaClient()
					c.URL, c.Username, c.Password, c.Path = server.URL, server.User, server.Password, "/replica"
					require.NoError(t, c.Init(t.Context()))
					return c
				}
				return ours(t, name, func(layout ltxstore.Layout) *webdav.ReplicaClient {
					return webdav.NewReplicaClient(webdav.Config{URL: server.URL, Username: server.User, Password: server.Password,
						Path: "replica", Layout: layout, Logger: slog.New(slog.DiscardHandler)})
				})
			}, func(*testing.T) string { return filepath.Join(server.Dir, "replica") })
		})
	}
}

// TestNATSLive replicates to a NATS server: see live. Litestream's own client
// knows the bucket's root alone.
func TestNATSLive(t *testing.T) {
	for _, tr := range gcsTrees {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			server := servers.NATS(t, "replica")
			live(t, tr, func(t *testing.T, name string) ltxstore.ReplicaClient {
				if name == "stock" {
					c := litestreamnats.NewReplicaClient()
					c.URL, c.BucketName, c.Username, c.Password = server.URL, "replica", server.User, server.Password
					require.NoError(t, c.Init(t.Context()))
					t.Cleanup(func() { _ = c.Close() })
					return c
				}
				return ours(t, name, func(layout ltxstore.Layout) *nats.ReplicaClient {
					return nats.NewReplicaClient(nats.Config{URL: server.URL, Bucket: "replica", Username: server.User, Password: server.Password,
						Layout: layout, Logger: slog.New(slog.DiscardHandler)})
				})
			}, func(t *testing.T) string {
				objects, err := servers.Objects(t.Context(), server.Store)
				require.NoError(t, err)
				dir := t.TempDir()
				for name, content := range objects {
					path := filepath.Join(dir, filepath.FromSlash(name))
					require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
					require.NoError(t, os.WriteFile(path, content, 0o600))
				}
				return dir
			})
		})
	}
}
