//go:build unix

package restore

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

type ownerless struct{ fs.FileInfo }

func (ownerless) Sys() any { return nil }

// A file system without owners has none to keep; a file whose owner cannot be told fails.
func TestKeepOwner(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	old, err := file.Stat()
	require.NoError(t, err)
	require.NoError(t, keepOwner(file, old))
	require.NoError(t, keepOwner(file, ownerless{old}))
	require.NoError(t, file.Close())
	require.ErrorIs(t, keepOwner(file, old), fs.ErrClosed)
}
