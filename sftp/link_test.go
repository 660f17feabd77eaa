package sftp

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

// Nothing is written or deleted behind a symbolic link, which may lead to another
// replica, and what is not deleted is told. The root itself may be a link.
func TestLinkedDirectories(t *testing.T) {
	name := ltx.FormatFilename(1, 1)
	for linked, theirs := range map[string]string{"ltx": "0000/" + name, "ltx/0000": name} {
		s := start(t)
		root, elsewhere := filepath.Join(s.dir, "backups/db"), filepath.Join(s.dir, "elsewhere")
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(elsewhere, theirs)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(elsewhere, theirs), []byte("theirs"), 0o644))
		require.NoError(t, os.MkdirAll(filepath.Join(elsewhere, "0009"), 0o755)) // an empty level
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, linked)), 0o755))
		require.NoError(t, os.Symlink(elsewhere, filepath.Join(root, linked)))

		c := s.client(same)
		defer c.Close()
		for _, err := range []error{c.DeleteAll(t.Context()), write(t, c, "ours"),
			c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}})} {
			assert.ErrorContains(t, err, linked+" is a symbolic link: want a directory")
		}
		content, err := os.ReadFile(filepath.Join(elsewhere, theirs))
		require.NoError(t, err)
		assert.Equal(t, "theirs", string(content))
		assert.DirExists(t, filepath.Join(elsewhere, "0009"))

		// Beside it, all is done.
		require.NoError(t, os.Remove(filepath.Join(root, linked)))
		require.NoError(t, write(t, c, "ours"))
		require.NoError(t, os.Symlink(elsewhere, filepath.Join(root, "ltx/0001")))
		err = c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {Level: 1, MinTXID: 1, MaxTXID: 1}})
		require.ErrorContains(t, err, "ltx/0001 is a symbolic link: want a directory")
		_, err = read(t, c)
		require.ErrorIs(t, err, os.ErrNotExist)
		require.NoError(t, write(t, c, "ours"))
		require.ErrorContains(t, c.DeleteAll(t.Context()), "ltx/0001 is a symbolic link: want a directory")
		assert.NoDirExists(t, filepath.Join(root, "ltx/0000"))
	}

	s := start(t)
	root, elsewhere := filepath.Join(s.dir, "backups/db"), filepath.Join(s.dir, "elsewhere")
	require.NoError(t, os.MkdirAll(elsewhere, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Dir(root), 0o755))
	require.NoError(t, os.Symlink(elsewhere, root))
	c := s.client(same)
	defer c.Close()
	require.NoError(t, write(t, c, "ours"))
	assert.FileExists(t, filepath.Join(elsewhere, "ltx/0000", name))
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.NoDirExists(t, filepath.Join(elsewhere, "ltx"))
}
