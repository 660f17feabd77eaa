package litestream_test

import (
	"os"
	"path/filepath"
	"testing"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/compress"
)

// A replica on a disk looks like its database, through wrappers too.
func TestReplicaLooksLikeTheDatabase(t *testing.T) {
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	require.NoError(t, os.Mkdir(app, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(app, "app.db"), nil, 0o600))
	store := file.NewReplicaClient(file.Config{Path: filepath.Join(dir, "r"), Logger: silent()})
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	c := litestream.Replica(engine.NewDB(filepath.Join(app, "app.db")), compress.New(store, compress.Config{})).Client
	put(t, c, 0, 1, 1, start, "x")
	found, err := filepath.Glob(filepath.Join(dir, "r/ltx/0000/*.ltx"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	for name, want := range map[string]os.FileMode{"r": 0o700, "r/ltx/0000": 0o700, "r/ltx/0000/" + filepath.Base(found[0]): 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().Perm(), name)
	}
	litestream.LikeDatabase("x", mock.NewReplicaClient(mock.Config{}))
}
