//go:build unix

package restore_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/restore"
)

// Root gives the new database the old one's owner. Any other user owns what it
// makes, in a group of its own.
func TestOwner(t *testing.T) {
	h, c := small(t)
	path := filepath.Join(t.TempDir(), "db")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o640))
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1234, 2345
	}
	require.NoError(t, os.Chown(path, uid, gid))
	_, err := restore.Run(t.Context(), c, path, restore.Config{Overwrite: true})
	require.NoError(t, err)
	requireDatabase(t, h, 9, path)
	stat, err := os.Stat(path)
	require.NoError(t, err)
	owner := stat.Sys().(*syscall.Stat_t)
	assert.EqualValues(t, uid, owner.Uid)
	assert.EqualValues(t, gid, owner.Gid)
	assert.Equal(t, fs.FileMode(0o640), stat.Mode())
}
