package restore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/restore"
)

// A path that no database can have is refused before the store is asked.
func TestPathRefused(t *testing.T) {
	_, c := small(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err := restore.Run(t.Context(), c, filepath.Join(dir, "file", "db"), restore.Config{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "directory "+filepath.Join(dir, "file")+" does not exist")
	for _, name := range []string{filepath.Join("file", "below", "db"), strings.Repeat("d", 300)} {
		_, err = restore.Run(t.Context(), c, filepath.Join(dir, name), restore.Config{})
		require.Error(t, err)
	}
	assert.Empty(t, c.Calls())
	nothingBut(t, dir, "file")
}

// What a killed restore set aside, and cannot be put back, is told before anything is read.
func TestPathWithLostLog(t *testing.T) {
	_, c := small(t)
	dir := t.TempDir()
	name := strings.Repeat("d", 252) // with -wal one byte too long
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	// The stem has a sum: a restore tells it.
	var temp string
	_, err := restore.Run(t.Context(), c, path, restore.Config{Overwrite: true, Check: func(_ context.Context, at string) error {
		temp = at
		return errInjected
	}})
	require.ErrorIs(t, err, errInjected)
	for _, left := range []string{temp, temp + ".old-wal"} {
		require.NoError(t, os.WriteFile(left, []byte("precious"), 0o600))
	}
	c.ResetCalls()
	_, err = restore.Run(t.Context(), c, path, restore.Config{Overwrite: true})
	require.ErrorContains(t, err, "files that a killed restore set aside cannot be put back")
	assert.Empty(t, c.Calls())
	nothingBut(t, dir, name, filepath.Base(temp), filepath.Base(temp)+".old-wal")
}

// What is missing on the disk is no empty replica: a daemon would begin a new history.
func TestPathRemoved(t *testing.T) {
	for name, overwrite := range map[string]bool{"new": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			_, c := small(t)
			dir := filepath.Join(t.TempDir(), "sub")
			removed := func(cfg restore.Config) {
				t.Helper()
				_, err := restore.Run(t.Context(), c, filepath.Join(dir, "db"), cfg)
				require.Error(t, err)
				require.NotErrorIs(t, err, fs.ErrNotExist)
				var path *fs.PathError
				var link *os.LinkError
				assert.True(t, errors.As(err, &path) || errors.As(err, &link), err)
			}
			// The temporary is, before it gets its name.
			require.NoError(t, os.Mkdir(dir, 0o700))
			removed(restore.Config{Overwrite: overwrite, Check: func(_ context.Context, temp string) error { return os.Remove(temp) }})
			// The directory is, while files are listed.
			removed(restore.Config{Overwrite: overwrite, Skip: func(*ltx.FileInfo) bool { _ = os.RemoveAll(dir); return false }})

			err := restore.File(t.Context(), filepath.Join(t.TempDir(), "db"), restore.Config{Overwrite: overwrite, Check: func(context.Context, string) error { return syscall.ENOENT }}, func(*os.File) error { return nil })
			require.ErrorIs(t, err, syscall.ENOENT)
			require.NotErrorIs(t, err, fs.ErrNotExist)
		})
	}
}
