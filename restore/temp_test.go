package restore

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A name that is not UTF-8 is cut as one that is: by no more than a letter.
func TestStemOfAnyBytes(t *testing.T) {
	for _, letter := range []string{"\x80", "a", "\xff", "\xe6\x97"} {
		stem := stemOf("/x/" + strings.Repeat(letter, 200))
		assert.LessOrEqual(t, len(stem), maxStem)
		assert.GreaterOrEqual(t, len(stem), maxStem-utf8.UTFMax, "%q", letter)
	}
	assert.Len(t, stemOf("/x/"+strings.Repeat("a", 200)), maxStem)
}

// A temporary that another restore removes before it is locked, as it does with those of
// killed restores, is made again, but not forever.
func TestCreateTempLosesRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	lost := 0
	loseUntil := func(times int, locked bool) func(*os.File) (bool, bool) {
		lost = 0
		return func(file *os.File) (bool, bool) {
			if lost++; lost > times {
				return true, true
			}
			if locked { // and was removed before
				require.NoError(t, os.Remove(file.Name()))
			}
			return locked, true
		}
	}
	for _, locked := range []bool{false, true} {
		file, name, err := createTemp(path, loseUntil(maxAttempts-1, locked))
		require.NoError(t, err)
		assert.Equal(t, []string{filepath.Base(name)}, names(t, path))
		require.NoError(t, file.Close())
		require.NoError(t, os.Remove(name))

		_, _, err = createTemp(path, loseUntil(maxAttempts, locked))
		require.ErrorContains(t, err, "was immediately removed by another restore")
		assert.Equal(t, maxAttempts, lost)
		assert.Empty(t, names(t, path))
	}
}

// A directory that cannot be read may have what a killed restore set aside.
func TestSweepFails(t *testing.T) {
	dir := t.TempDir()
	require.ErrorIs(t, sweep(filepath.Join(dir, "missing", "db")), fs.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	require.Error(t, sweep(filepath.Join(dir, "file", "db")))
}

// Where the old database's owner cannot be kept nothing is left.
func TestCreateWithoutOwner(t *testing.T) {
	path := oldDatabase(t)
	out := newOutput(path, Config{Overwrite: true})
	require.NoError(t, out.prepare())
	out.disk.keepOwner = func(*os.File, fs.FileInfo) error { return syscall.EPERM }
	require.ErrorIs(t, out.create(), syscall.EPERM)
	requireOld(t, path)
}

// A database is not published before its bytes and its mode are durable.
func TestSyncFails(t *testing.T) {
	out := newOutput(filepath.Join(t.TempDir(), "db"), Config{})
	require.NoError(t, out.create())
	defer out.remove()
	synced := 0
	fail := error(syscall.EIO)
	out.disk.sync = func(*os.File) error { synced++; return fail }
	require.ErrorIs(t, out.sync(), syscall.EIO)
	fail = nil
	require.NoError(t, out.sync())
	assert.Equal(t, 2, synced)
	require.NoError(t, out.file.Close())
	require.ErrorIs(t, out.sync(), fs.ErrClosed, "the mode was not set")
}

// A database without a log is replaced with one fsync of its directory.
func TestReplaceWithoutLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	out := ready(t, path)
	synced := 0
	out.disk.syncDir = func(string) error { synced++; return nil }
	require.NoError(t, out.publish())
	requireNew(t, path)
	assert.Equal(t, 1, synced)
}

// The system begins to write neighbours together: what is far from the last page, or is
// more than 4 MiB.
func TestWriteBack(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	defer f.Close()
	w := newPageWriter(f)
	var begun [][2]int64
	w.writeBack = func(_ *os.File, at, n int64) { begun = append(begun, [2]int64{at, n}) }
	const mib = 1 << 20
	for _, at := range []int64{0, 1, 2, 3, 4, 5, 9, 10} {
		require.NoError(t, w.write(at*mib, make([]byte, mib)))
	}
	assert.Equal(t, [][2]int64{{0, 4 * mib}, {4 * mib, 2 * mib}}, begun)
}
