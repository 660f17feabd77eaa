package restore

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/testing/replicatest"
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
	d := &database{disk: newPageWriter(f)}
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
	require.ErrorContains(t, d.finish(), "no file contains page 16386 of 16386")
}

// What the disk does not take is an error, also at the end.
func TestDiskFails(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	d := &database{disk: newPageWriter(f)}
	d.last = ltx.Header{Flags: ltx.HeaderFlagNoChecksum, PageSize: 512, Commit: 2}
	require.NoError(t, d.pages([]ltxio.Page{{Number: 1, Data: make([]byte, 512)}}))
	require.NoError(t, f.Close())
	require.ErrorIs(t, d.pages([]ltxio.Page{{Number: 2, Data: make([]byte, 512)}}), fs.ErrClosed)
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

// Of pages that come, those are written that no newer file had and that the database
// has: neighbours in one piece, from wherever it begins.
func TestPages(t *testing.T) {
	const pageSize, commit = 512, 9
	f, err := os.Create(filepath.Join(t.TempDir(), "db"))
	require.NoError(t, err)
	defer f.Close()
	batch := func(fill byte, numbers ...uint32) (pages []ltxio.Page) {
		data := make([]byte, pageSize*len(numbers))
		for i, n := range numbers {
			p := ltxio.Page{Number: n, Data: data[i*pageSize : (i+1)*pageSize]}
			for j := range p.Data {
				p.Data[j] = fill + byte(n)
			}
			p.Checksum = ltx.ChecksumPage(n, p.Data)
			pages = append(pages, p)
		}
		return pages
	}
	d := &database{disk: newPageWriter(f), last: ltx.Header{PageSize: pageSize, Commit: commit}, sum: ltx.ChecksumFlag}
	for _, pages := range [][]ltxio.Page{batch(10, 2, 3, 5), batch(20, 1, 2, 3, 4, 5, 6, 8), batch(30, 3, 6, 7, 8, 9, 10, 11), nil} {
		require.NoError(t, d.pages(pages))
	}
	want, sum := []byte{21, 12, 13, 24, 15, 26, 37, 28, 39}, ltx.ChecksumFlag
	got, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.Len(t, got, commit*pageSize)
	for i, fill := range want {
		page := bytes.Repeat([]byte{fill}, pageSize)
		require.Equal(t, page, got[i*pageSize:(i+1)*pageSize], "page %d", i+1)
		sum = ltx.ChecksumFlag | (sum ^ ltx.ChecksumPage(uint32(i+1), page))
	}
	assert.Equal(t, sum, d.sum)
}

// A file is damaged if its header has another of the two transactions of its name.
func TestHeaderAndName(t *testing.T) {
	body := replicatest.NewLTXFile(1, 2, time.UnixMilli(1700000000000), 1)
	for _, tt := range []struct {
		min, max ltx.TXID
		ok       bool
	}{{1, 2, true}, {1, 3, false}, {2, 2, false}, {2, 3, false}} {
		err := sound(&ltx.FileInfo{MinTXID: tt.min, MaxTXID: tt.max, Size: int64(len(body))}, bytes.NewReader(body))
		if tt.ok {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, ltxstore.ErrChecksum, "%d to %d", tt.min, tt.max)
		}
	}
}
