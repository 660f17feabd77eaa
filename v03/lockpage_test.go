package v03

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/mock"
)

// A database of more than 1 GiB has a page that SQLite locks by, and that no LTX file may
// have: neither that of the whole database nor that of a transaction which writes around
// it, whose checksums leave it out. The file is sparse.
func TestConvertAcrossTheLockPage(t *testing.T) {
	const pageSize = 65536
	dir, lock := t.TempDir(), ltx.LockPgno(pageSize)
	file, err := os.Create(filepath.Join(dir, "db"))
	require.NoError(t, err)
	defer file.Close()
	require.NoError(t, file.Truncate(int64(lock+1)*pageSize))
	dst := mock.NewReplicaClient(mock.Config{})
	dst.SetLogger(nil)
	c := &converter{dst: dst, dir: dir, db: &database{f: file, pageSize: pageSize, pages: lock + 1}, h: &history{segments: &segments{}},
		pageSize: pageSize, page: make([]byte, pageSize), old: make([]byte, pageSize), sum: ltx.ChecksumFlag, before: ltx.ChecksumFlag, result: Conversion{TXID: 1}}
	c.h.segments.cur.CreatedAt = time.Unix(1, 0)
	c.db.before = func(pgno uint32, page []byte) error { return c.replace(t.Context(), pgno, page) }
	c.db.after = c.resize
	zero, one := make([]byte, pageSize), bytes.Repeat([]byte{1}, pageSize)
	for pgno := lock - 1; pgno <= lock+1; pgno++ {
		require.NoError(t, c.db.pending.add(frame{pgno: pgno, page: one}))
	}
	require.NoError(t, c.db.commit(frame{pgno: lock + 2, commit: lock + 3, page: one}))
	require.NoError(t, c.flush(t.Context()))

	rc, err := dst.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
	require.NoError(t, err)
	defer rc.Close()
	dec := ltx.NewDecoder(rc)
	require.NoError(t, dec.DecodeHeader())
	var found []uint32
	for h := (ltx.PageHeader{}); err == nil; {
		if err = dec.DecodePage(&h, make([]byte, pageSize)); err == nil {
			found = append(found, h.Pgno)
		}
	}
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, dec.Close())
	assert.Equal(t, []uint32{lock - 1, lock + 1, lock + 2, lock + 3}, found)
	var changes ltx.Checksum
	for _, sum := range []ltx.Checksum{ltx.ChecksumPage(lock-1, zero), ltx.ChecksumPage(lock+1, zero), ltx.ChecksumPage(lock-1, one), ltx.ChecksumPage(lock+1, one),
		ltx.ChecksumPage(lock+2, one), ltx.ChecksumPage(lock+3, zero)} {
		changes ^= sum
	}
	assert.Equal(t, ltx.ChecksumFlag|changes, dec.Trailer().PostApplyChecksum)

	var whole []uint32
	require.NoError(t, c.pages(lock-1, lock+1, func(pgno uint32) error { whole = append(whole, pgno); return nil }))
	assert.Equal(t, []uint32{lock - 1, lock + 1}, whole)
}

// Which page it is depends on the size of the pages.
func TestLockPages(t *testing.T) {
	for pageSize := uint32(512); pageSize <= 65536; pageSize *= 2 {
		c := &converter{db: &database{pageSize: pageSize}}
		for pgno, want := range map[uint32]bool{1: false, 1 << 30 / pageSize: false, 1<<30/pageSize + 1: true, 1<<30/pageSize + 2: false} {
			assert.Equal(t, want, c.lock(pgno), "page %d of %d bytes", pgno, pageSize)
		}
	}
}
