package file

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func txid(id int) ltx.TXID { return ltx.TXID(id) }

func ids(files []*ltx.FileInfo) (found []ltx.TXID) {
	for _, f := range files {
		found = append(found, f.MinTXID)
	}
	return found
}

func TestListIsSortedAndSeeks(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	const n = 3*pageSize + 5
	for i := n; i >= 1; i-- {
		put(t, root, c.keyOf(t, 0, txid(2*i), txid(2*i)), "x")
	}
	put(t, root, c.keyOf(t, 0, 10, 400), "x") // spans others
	all, err := list(t.Context(), c, 0, 0, false)
	require.NoError(t, err)
	require.Len(t, all, n+1)
	for i := 1; i < len(all); i++ {
		assert.Negative(t, cmp.Or(cmp.Compare(all[i-1].MinTXID, all[i].MinTXID), cmp.Compare(all[i-1].MaxTXID, all[i].MaxTXID)))
	}
	var looks atomic.Int64
	c.disk.fsys = &scriptFS{look: func(op, name string) error {
		if _, _, ok := backend.ParseFilename(name); ok && op == "lstat" {
			looks.Add(1)
		}
		return nil
	}}
	it, err := c.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	assert.True(t, it.Next())
	require.NoError(t, it.Close())
	assert.LessOrEqual(t, looks.Load(), int64(2*pageSize), "names that are not sorted would be looked at to the end")

	for seek, want := range map[ltx.TXID]int{1: n + 1, 2: n + 1, 3: n, 10: n - 3, 11: n - 5, 2 * n: 1, 2*n + 1: 0} {
		some, err := list(t.Context(), c, 0, seek, true)
		require.NoError(t, err)
		assert.Len(t, some, want, "seek %d", seek)
		assert.Equal(t, ids(all[len(all)-want:]), ids(some))
	}
}

func (c *ReplicaClient) keyOf(t testing.TB, level int, minTXID, maxTXID ltx.TXID) string {
	keys, err := backend.NewKeys(c.given.Layout, "")
	require.NoError(t, err)
	return keys.File(level, minTXID, maxTXID)
}

func TestListSkipsForeignFiles(t *testing.T) {
	root := t.TempDir()
	var log bytes.Buffer
	c := newClient(t, Config{Path: root, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	write(t, c, 0, 1, 1, []byte("x"))
	name := "ltx/0000/0000000000000002-0000000000000002.ltx"
	for _, stranger := range []string{"ltx/0000/README", name + ".tmp", name + "x", "ltx/0000/" + backend.TempName(filepath.Base(name)),
		"ltx/0000/0000000000000003-0000000000000002.ltx", "ltx/0000/00000000000000AA-00000000000000AB.ltx",
		"ltx/0000/deeper/0000000000000002-0000000000000002.ltx", "ltx/0/0000000000000002-0000000000000002.ltx",
		"0000000000000002-0000000000000002.ltx"} {
		put(t, root, stranger, "x")
	}
	put(t, root, "ltx/0000/0000000000000005-0000000000000005.ltx", "")
	found, err := list(t.Context(), c, 0, 0, true)
	require.NoError(t, err)
	assert.Equal(t, []ltx.TXID{1}, ids(found))
	assert.Contains(t, log.String(), "torn upload")
}

func TestListTimes(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, body(t, 1, 1, 100, epoch, 0))
	path := filepath.Join(root, c.keyOf(t, 0, 1, 1))
	stat, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, stat.ModTime().Equal(epoch), "the modification time is the header's")

	copied := epoch.Add(1000 * time.Hour) // by a tool that does not keep times
	require.NoError(t, os.Chtimes(path, copied, copied))
	found, err := list(t.Context(), c, 0, 0, false)
	require.NoError(t, err)
	assert.Equal(t, copied, found[0].CreatedAt)
	found, err = list(t.Context(), c, 0, 0, true)
	require.NoError(t, err)
	assert.Equal(t, epoch, found[0].CreatedAt)
}

func TestListOfABrokenHeaderIsAnError(t *testing.T) {
	good := body(t, 2, 2, 200, epoch, 0)
	broken := bytes.Clone(good)
	broken[4], broken[5], broken[6], broken[7] = 0xff, 0xff, 0xff, 0xff
	for name, b := range map[string][]byte{"cut off": good[:99], "flags": broken} {
		root := t.TempDir()
		c := newClient(t, Config{Path: root})
		write(t, c, 0, 1, 1, body(t, 1, 1, 200, epoch, 0))
		put(t, root, c.keyOf(t, 0, 2, 2), string(b))
		_, err := list(t.Context(), c, 0, 0, true)
		require.ErrorIs(t, err, ltxstore.ErrChecksum, name)
		assert.ErrorContains(t, err, "0000000000000002-0000000000000002.ltx")
		found, err := list(t.Context(), c, 0, 0, false)
		require.NoError(t, err)
		assert.Len(t, found, 2)
	}
}

func TestListDuringChanges(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	const n = 3 * pageSize // the second page may be read ahead
	for i := 1; i <= n; i++ {
		put(t, root, c.keyOf(t, 0, txid(i), txid(i)), "x")
	}
	it, err := c.LTXFiles(t.Context(), 0, 0, true)
	require.NoError(t, err)
	require.True(t, it.Next())
	require.NoError(t, os.Remove(filepath.Join(root, c.keyOf(t, 0, n, n))))
	require.NoError(t, c.DeleteAll(t.Context()))
	last := it.Item()
	for it.Next() {
		assert.Greater(t, it.Item().MinTXID, last.MinTXID)
		last = it.Item()
	}
	require.NoError(t, it.Close(), "files that are deleted meanwhile are left out")
	assert.Less(t, last.MinTXID, txid(n))
	require.NoError(t, it.Close())
	assert.False(t, it.Next())
}

func TestListCancelled(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	for i := 1; i <= 3*pageSize; i++ {
		put(t, root, c.keyOf(t, 0, txid(i), txid(i)), "x")
	}
	ctx, cancel := context.WithCancel(t.Context())
	it, err := c.LTXFiles(ctx, 0, 0, false)
	require.NoError(t, err)
	require.True(t, it.Next())
	cancel()
	assert.False(t, it.Next())
	require.ErrorIs(t, it.Err(), context.Canceled)
	require.ErrorIs(t, it.Close(), context.Canceled)
}

// TestSeekLooksAtNothingBefore proves that a late seek does not stat what it
// skips: a listing without seek counts the files that have gone bad.
func TestSeekLooksAtNothingBefore(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	for i := 1; i <= 1000; i++ {
		put(t, root, c.keyOf(t, 0, txid(i), txid(i)), ltx.Magic+"no header")
	}
	write(t, c, 0, 1001, 1001, []byte("x"))
	found, err := list(t.Context(), c, 0, 1001, true)
	require.NoError(t, err)
	assert.Equal(t, []ltx.TXID{1001}, ids(found))
	_, err = list(t.Context(), c, 0, 1000, true)
	require.ErrorIs(t, err, ltxstore.ErrChecksum)

	few := testing.AllocsPerRun(10, func() { _, _ = list(t.Context(), c, 0, 1001, true) })
	assert.Less(t, few, 100.0, "a skipped name is not worth an allocation")
}

func TestLayouts(t *testing.T) {
	root := t.TempDir() // all three in one
	clients := map[string]*ReplicaClient{
		"ltx/0003/%s": newClient(t, Config{Path: root}),
		"ltx/3/%s":    newClient(t, Config{Path: root, Layout: ltxstore.LayoutLitestream}),
		"0003/%s":     newClient(t, Config{Path: root, Layout: ltxstore.LayoutLitestreamS3}),
	}
	name := "0000000000000001-0000000000000001.ltx"
	for pattern, c := range clients {
		write(t, c, 3, 1, 1, []byte(pattern))
		assert.FileExists(t, filepath.Join(root, fmt.Sprintf(pattern, name)))
	}
	for pattern, c := range clients {
		assert.Equal(t, pattern, string(read(t, c, 3, 1, 1)))
	}
	require.NoError(t, clients["ltx/3/%s"].DeleteAll(t.Context()))
	assert.Equal(t, []string{"0003/", "0003/" + name, "ltx/", "ltx/0003/", "ltx/0003/" + name}, allNames(t, root))
	require.NoError(t, clients["ltx/0003/%s"].DeleteAll(t.Context()))
	assert.Equal(t, []string{"0003/", "0003/" + name}, allNames(t, root))
	require.NoError(t, clients["0003/%s"].DeleteAll(t.Context()))
	assert.Empty(t, allNames(t, root))
	assert.DirExists(t, root)
}

// TestTreeOfAnOlderLitestream reads what a Litestream daemon leaves: decimal
// levels, its mode bits, its fixed temporary name.
func TestTreeOfAnOlderLitestream(t *testing.T) {
	root := t.TempDir()
	for level, ids := range map[int][]ltx.TXID{0: {1, 2, 3}, 1: {1}, 9: {1}} {
		for _, id := range ids {
			path := put(t, root, fmt.Sprintf("ltx/%d/%s", level, ltx.FormatFilename(id, id)), string(body(t, id, id, 300, epoch, uint64(id))))
			require.NoError(t, os.Chtimes(path, epoch, epoch))
		}
	}
	torn := put(t, root, "ltx/0/"+ltx.FormatFilename(4, 4)+".tmp", "half a fi")

	c := newClient(t, Config{Path: root, Layout: ltxstore.LayoutLitestream})
	for level, want := range map[int][]ltx.TXID{0: {1, 2, 3}, 1: {1}, 2: nil, 9: {1}} {
		found, err := list(t.Context(), c, level, 0, true)
		require.NoError(t, err)
		assert.Equal(t, want, ids(found))
		for _, f := range found {
			assert.Equal(t, epoch, f.CreatedAt)
			assert.Equal(t, body(t, f.MinTXID, f.MaxTXID, 300, epoch, uint64(f.MinTXID)), read(t, c, level, f.MinTXID, f.MaxTXID))
		}
	}
	assert.FileExists(t, torn, "fresh: its writer may live")
	later := newClient(t, Config{Path: root, Layout: ltxstore.LayoutLitestream,
		Clock: func() time.Time { return time.Now().Add(2 * defaultSweepAge) }})
	require.NoError(t, later.Init(t.Context()))
	assert.NoFileExists(t, torn)
}

func TestFolders(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	for _, name := range []string{"b/ltx/0000/x", "a/x", "file"} {
		put(t, root, name, "x")
	}
	require.NoError(t, os.Symlink("a", filepath.Join(root, "link")))
	names, err := c.Folders(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, names)
}
