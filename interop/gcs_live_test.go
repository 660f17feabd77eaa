package interop_test

import (
	"os"
	"path/filepath"
	"testing"

	litestreamgs "github.com/benbjohnson/litestream/gs"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/gcs"
)

// gcsTrees are replicas in a bucket. Litestream's own client knows one layout.
var gcsTrees = []tree{
	{"ours in the default layout", []string{"default"}, map[int]string{0: "ltx/0000", 1: "ltx/0001", 2: "ltx/0002", 9: "snapshots"}, false},
	{"ours in litestream's layout", []string{"litestream", "stock"}, litestreamDirs, false},
	{"stock litestream's", []string{"stock", "litestream"}, litestreamDirs, false},
}

// TestGCSLive replicates to a server that speaks Google's API: see live.
func TestGCSLive(t *testing.T) {
	for _, tr := range gcsTrees {
		t.Run(tr.name, func(t *testing.T) {
			server := newGCSServer(t)
			t.Setenv("STORAGE_EMULATOR_HOST", server.url) // Litestream's client has no setting for it
			live(t, tr,
				func(t *testing.T, name string) ltxstore.ReplicaClient { return server.named(t, name, "backups/db") },
				func(t *testing.T) string { return server.mirror(t, "backups/db/") })
		})
	}
}

// named returns Litestream's own client, or ours in the layout of that name.
func (s *gcsServer) named(t *testing.T, name, path string) ltxstore.ReplicaClient {
	t.Helper()
	if name == "stock" {
		c := litestreamgs.NewReplicaClient()
		c.Bucket, c.Path = gcsBucket, path
		require.NoError(t, c.Init(t.Context()))
		return c
	}
	layout, err := ltxstore.ParseLayout(name)
	require.NoError(t, err)
	cfg := s.config(path, layout)
	cfg.Endpoint = "" // as Litestream's, from the environment
	c := gcs.NewReplicaClient(cfg)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// mirror copies every object below prefix into a folder.
func (s *gcsServer) mirror(t *testing.T, prefix string) string {
	t.Helper()
	dir := t.TempDir()
	names, err := s.names(prefix)
	require.NoError(t, err)
	for _, name := range names {
		o, err := s.GetObject(gcsBucket, prefix+name)
		require.NoError(t, err)
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, o.Content, 0o600))
	}
	return dir
}
