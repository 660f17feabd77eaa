package restore

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// The page that SQLite locks is in no file, and is a page of zeros, also where
// it is the last. The database would have a gibibyte: its other pages are only
// said to be written.
func TestLockPage(t *testing.T) {
	const pageSize = ltx.MaxPageSize
	lock := ltx.LockPgno(pageSize)
	f, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	defer f.Close()
	d := &database{pages: &pageWriter{f: f}}
	d.last = ltx.Header{Flags: ltx.HeaderFlagNoChecksum, PageSize: pageSize, Commit: lock}
	for pgno := uint32(1); pgno < lock; pgno++ {
		require.True(t, d.written.add(pgno))
	}
	require.NoError(t, d.finish())
	stat, err := f.Stat()
	require.NoError(t, err)
	assert.Equal(t, int64(lock)*pageSize, stat.Size())

	d.last.Commit = lock + 1
	require.ErrorIs(t, d.finish(), ltxstore.ErrChecksum)
	require.ErrorContains(t, d.finish(), "no file has page 16386 of 16386")
}

// What the disk does not take is an error, also at the end.
func TestDiskFails(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	d := &database{pages: &pageWriter{f: f}}
	d.last = ltx.Header{Flags: ltx.HeaderFlagNoChecksum, PageSize: 512, Commit: 1}
	require.NoError(t, d.page(1, make([]byte, 512)))
	require.NoError(t, f.Close())
	require.ErrorIs(t, d.finish(), fs.ErrClosed)
	require.ErrorIs(t, (&output{file: f, old: fakeInfo{}}).sync(), fs.ErrClosed)
}

type fakeInfo struct{ fs.FileInfo }

func (fakeInfo) Mode() fs.FileMode { return 0o600 }

func TestPageSet(t *testing.T) {
	var s pageSet
	for _, pgno := range []uint32{1, 63, 64, 65535, 65536, 65537, 1<<32 - 1} {
		assert.False(t, s.has(pgno))
		assert.True(t, s.add(pgno), pgno)
		assert.False(t, s.add(pgno), pgno)
		assert.True(t, s.has(pgno))
	}
	assert.Len(t, s.blocks, 3, "memory is that of what was added")
	assert.Equal(t, uint32(2), s.firstMissing(10, 0))
	assert.Equal(t, uint32(3), s.firstMissing(10, 2))
	assert.Equal(t, uint32(0), s.firstMissing(2, 2))
	assert.Equal(t, uint32(0), s.firstMissing(0, 2))
}

func TestPageWriter(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	defer f.Close()
	w := pageWriter{f: f}
	want := make([]byte, 2*writeSize)
	page := make([]byte, 4096)
	// In runs of three, from the last run to the first.
	for run := len(want)/len(page)/3 - 1; run >= 0; run-- {
		for i := range 3 {
			at := (3*run + i) * len(page)
			for j := range page {
				page[j] = byte(at / len(page))
			}
			copy(want[at:], page)
			require.NoError(t, w.write(int64(at), page))
		}
	}
	require.NoError(t, w.flush())
	got, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	assert.True(t, string(want[:len(got)]) == string(got))
	assert.Equal(t, len(want)/len(page)/3*3*len(page), len(got))
}
