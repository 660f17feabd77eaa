package interop_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	litestreamfile "github.com/benbjohnson/litestream/file"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
)

// tree is a replica on disk and whoever can read and write it.
type tree struct {
	name    string
	clients []string // the first writes, all read
	dirs    map[int]string
	coarse  bool // Litestream's client tells times in whole seconds, or those of the server
}

// Each tree's directories are spelled out, not built by our own layouts:
// the bytes on disk are what the two sides share.
var (
	litestreamDirs = map[int]string{0: "ltx/0", 1: "ltx/1", 2: "ltx/2", 9: "ltx/9"}

	trees = []tree{
		{"ours in the default layout", []string{"default"}, map[int]string{0: "ltx/0000", 1: "ltx/0001", 2: "ltx/0002", 9: "snapshots"}, false},
		{"ours in litestream's layout", []string{"litestream", "stock"}, litestreamDirs, false},
		{"ours in litestream's s3 layout", []string{"litestream-s3"}, map[int]string{0: "0000", 1: "0001", 2: "0002", 9: "0009"}, false},
		{"stock litestream's", []string{"stock", "litestream"}, litestreamDirs, false},
	}
)

// client returns a new client of a replica in dir: Litestream's own, or ours
// in the layout of that name.
func client(t testing.TB, name, dir string) ltxstore.ReplicaClient {
	t.Helper()
	if name == "stock" {
		return litestreamfile.NewReplicaClient(dir)
	}
	layout, err := ltxstore.ParseLayout(name)
	require.NoError(t, err)
	ours := file.NewReplicaClient(file.Config{Path: dir, Layout: layout, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { require.NoError(t, ours.Close()) })
	require.NoError(t, ours.Init(context.Background()))
	return ours
}

func (tr tree) files(t testing.TB, dir string, level int) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(tr.dirs[level]), "*.ltx"))
	require.NoError(t, err)
	return found
}
