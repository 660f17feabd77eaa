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

// Root gives the new database the old one's owner and group. Any other user owns
// what it makes, in a group of its own.
func TestOwner(t *testing.T) {
	h, c := small(t)
	owners := [][2]int{{os.Getuid(), os.Getgid()}}
	if os.Getuid() == 0 {
		owners = append(owners, [2]int{1234, 2345}, [2]int{0, 2345}, [2]int{1234, 0})
	}
	for _, want := range owners {
		path := filepath.Join(t.TempDir(), "db")
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o640))
		require.NoError(t, os.Chown(path, want[0], want[1]))
		_, err := restore.Run(t.Context(), c, path, restore.Config{Overwrite: true})
		require.NoError(t, err)
		requireDatabase(t, h, 9, path)
		stat, err := os.Stat(path)
		require.NoError(t, err)
		owner := stat.Sys().(*syscall.Stat_t)
		assert.Equal(t, want, [2]int{int(owner.Uid), int(owner.Gid)})
		assert.Equal(t, fs.FileMode(0o640), stat.Mode())
	}
}
