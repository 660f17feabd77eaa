//go:build unix

package file

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Files and directories get the permissions and the owner of their models; modes
// that the configuration has are kept.
func TestLike(t *testing.T) {
	mask := fs.FileMode(syscall.Umask(0o022))
	syscall.Umask(int(mask))
	dir := t.TempDir()
	model := filepath.Join(dir, "app", "app.db")
	require.NoError(t, os.Mkdir(filepath.Dir(model), 0o700))
	require.NoError(t, os.WriteFile(model, nil, 0o600))
	require.NoError(t, os.Chmod(model, 0o444)) // which a replica's owner could not write
	owner := os.Getuid()
	if owner == 0 {
		owner = ordinary
		require.NoError(t, os.Chown(model, ordinary, ordinary))
		require.NoError(t, os.Chown(filepath.Dir(model), ordinary, ordinary))
	}
	like := func() (file, dir fs.FileInfo) {
		file, err := os.Stat(model)
		if err != nil {
			return nil, nil
		}
		dir, _ = os.Stat(filepath.Dir(model))
		return file, dir
	}
	for name, tc := range map[string]struct {
		cfg       Config
		file, dir fs.FileMode
	}{
		"like":  {Config{}, 0o644, 0o700},
		"given": {Config{FileMode: 0o600, DirMode: 0o711}, 0o600, 0o711},
	} {
		tc.cfg.Path = filepath.Join(dir, name, "r")
		c := NewReplicaClient(tc.cfg)
		c.Like(like)
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader([]byte("x")))
		require.NoError(t, err)
		require.NoError(t, c.Close())
		for made, want := range map[string]fs.FileMode{
			"":                                tc.dir,
			"r":                               tc.dir,
			"r/ltx/0000":                      tc.dir,
			"r/ltx/0000/" + fileOf(t, tc.cfg): tc.file,
		} {
			info, err := os.Stat(filepath.Join(dir, name, made))
			require.NoError(t, err)
			assert.Equal(t, want&^mask, info.Mode().Perm(), "%s %s", name, made)
			assert.Equal(t, owner, int(info.Sys().(*syscall.Stat_t).Uid), "%s %s", name, made)
		}
	}

	require.NoError(t, os.Remove(model))
	c := NewReplicaClient(Config{Path: filepath.Join(dir, "none")})
	c.Like(like)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader([]byte("x")))
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, "none"))
	require.NoError(t, err)
	assert.Equal(t, defaultDirMode&^mask, info.Mode().Perm())
	require.NoError(t, c.Close())
}

// fileOf returns the name of the one file that a test has written.
func fileOf(t *testing.T, cfg Config) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(cfg.Path, "ltx", "0000"))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return entries[0].Name()
}
