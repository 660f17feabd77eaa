package interop_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	litestreams3 "github.com/benbjohnson/litestream/s3"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/servers"
)

// s3Trees are replicas in a bucket. Litestream's own client knows one layout.
var s3Trees = []tree{
	{"ours in the default layout", []string{"default"}, map[int]string{0: "ltx/0000", 1: "ltx/0001", 2: "ltx/0002", 9: "snapshots"}, false},
	{"ours in litestream's s3 layout", []string{"litestream-s3", "stock"}, map[int]string{0: "0000", 1: "0001", 2: "0002", 9: "0009"}, false},
	{"stock litestream's", []string{"stock", "litestream-s3"}, map[int]string{0: "0000", 1: "0001", 2: "0002", 9: "0009"}, false},
}

// TestS3Live replicates to real servers: see live.
func TestS3Live(t *testing.T) {
	for _, server := range []*servers.Server{servers.Versitygw(t, false), servers.MinIO(t, false)} {
		for _, tr := range s3Trees {
			t.Run(tr.name+" on "+server.Name, func(t *testing.T) {
				t.Parallel()
				s := &space{server: server, bucket: server.NewBucket(t)}
				live(t, tr,
					func(t *testing.T, name string) ltxstore.ReplicaClient { return s.named(t, name, "backups/db") },
					func(t *testing.T) string { return s.mirror(t, "backups/db/") })
			})
		}
	}
}

// named returns Litestream's own client, or ours in the layout of that name.
func (s *space) named(t testing.TB, name, path string) ltxstore.ReplicaClient {
	t.Helper()
	if name == "stock" {
		c := litestreams3.NewReplicaClient()
		c.Bucket, c.Path, c.Region, c.Endpoint, c.ForcePathStyle = s.bucket.Name, path, s.server.Region, s.server.Endpoint, true
		c.AccessKeyID, c.SecretAccessKey = s.server.AccessKey, s.server.SecretKey
		require.NoError(t, c.Init(t.Context()))
		return c
	}
	layout, err := ltxstore.ParseLayout(name)
	require.NoError(t, err)
	in := &space{server: s.server, bucket: s.bucket, layout: layout}
	return in.client(t, path)
}

// mirror copies every object below prefix into a folder.
func (s *space) mirror(t *testing.T, prefix string) string {
	t.Helper()
	dir := t.TempDir()
	keys, err := s.bucket.Keys(t.Context(), prefix)
	require.NoError(t, err)
	for _, key := range keys {
		content, err := s.bucket.Get(t.Context(), key)
		require.NoError(t, err)
		name := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(key, prefix)))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, content, 0o600))
	}
	return dir
}
