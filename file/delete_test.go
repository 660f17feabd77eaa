package file

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

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func TestDeleteLTXFiles(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	for id := txid(1); id <= 5; id++ {
		write(t, c, 0, id, id, []byte("x"))
	}
	write(t, c, 9, 1, 1, []byte("x"))
	fsys := &scriptFS{}
	c.disk.fsys = fsys
	require.NoError(t, c.DeleteLTXFiles(t.Context(), nil))
	assert.Empty(t, fsys.ops())
	require.NoError(t, c.DeleteLTXFiles(t.Context(), append(infos(0, 1, 77, 3), infos(9, 1)...)))
	assert.Equal(t, []string{"remove", "remove", "syncDir 0000", "remove", "syncDir snapshots"}, fsys.ops())
	require.NoError(t, c.DeleteLTXFiles(t.Context(), append(infos(0, 1, 3), infos(5, 1)...)))
	assert.Empty(t, fsys.ops(), "nothing to do")
	found, err := list(t.Context(), c, 0, 0, false)
	require.NoError(t, err)
	assert.Equal(t, []ltx.TXID{2, 4, 5}, ids(found))
}

func TestDeletePartialFailure(t *testing.T) {
	c := newClient(t, Config{})
	const n = 50
	var all []ltx.TXID
	for id := txid(1); id <= n; id++ {
		write(t, c, 0, id, id, []byte("x"))
		all = append(all, id)
	}
	c.disk.fsys = &scriptFS{before: func(op, name string) error {
		if op == "remove" && strings.HasSuffix(name, "f.ltx") {
			return syscall.EACCES
		}
		return nil
	}}
	err := c.DeleteLTXFiles(t.Context(), infos(0, all...))
	require.ErrorIs(t, err, fs.ErrPermission)
	for _, want := range []string{"0f.ltx", "1f.ltx", "2f.ltx", "3 of 50 failed"} {
		assert.ErrorContains(t, err, want)
	}
	found, listErr := list(t.Context(), c, 0, 0, false)
	require.NoError(t, listErr)
	assert.Equal(t, []ltx.TXID{0xf, 0x1f, 0x2f}, ids(found), "everything else is deleted")

	one := c.DeleteLTXFiles(t.Context(), infos(0, 0xf))
	var e *ltxstore.Error
	require.ErrorAs(t, one, &e)
	assert.Equal(t, "ltx/0000/000000000000000f-000000000000000f.ltx", e.Key)
	assert.Equal(t, fs.ErrPermission, e.Kind)
}

func TestDeleteFailuresAreNamedWithoutEnd(t *testing.T) {
	c := newClient(t, Config{})
	var all []ltx.TXID
	for id := txid(1); id <= 100; id++ {
		write(t, c, 0, id, id, []byte("x"))
		all = append(all, id)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	removed := 0
	c.disk.fsys = &scriptFS{before: func(op, _ string) error {
		if op == "remove" {
			if removed++; removed == 10 {
				cancel()
			}
		}
		return nil
	}}
	err := c.DeleteLTXFiles(ctx, infos(0, all...))
	require.ErrorIs(t, err, context.Canceled)
	assert.False(t, ltxstore.IsRetryable(err))
	var each *ltxstore.PartialError
	require.ErrorAs(t, err, &each)
	assert.Len(t, each.Failed, 90)
	for i, one := range each.Failed {
		var e *ltxstore.Error
		require.ErrorAs(t, one, &e)
		assert.Equal(t, c.keyOf(t, 0, all[10+i], all[10+i]), e.Key)
	}
	assert.ErrorContains(t, err, "90 of 100 failed")
	assert.ErrorContains(t, err, "and 70 more")
}

func TestDeleteSyncFailureIsAnError(t *testing.T) {
	c := newClient(t, Config{})
	write(t, c, 0, 1, 1, []byte("x"))
	fsys := &scriptFS{before: func(op, _ string) error {
		if strings.HasPrefix(op, "syncDir") {
			return syscall.EIO
		}
		return nil
	}}
	c.disk.fsys = fsys
	require.ErrorIs(t, c.DeleteLTXFiles(t.Context(), infos(0, 1)), syscall.EIO)
	c = newClient(t, Config{})
	write(t, c, 0, 1, 1, []byte("x"))
	c.disk.fsys = fsys
	require.ErrorIs(t, c.DeleteAll(t.Context()), syscall.EIO)
}

func TestDeleteAllKeepsForeignFiles(t *testing.T) {
	root := t.TempDir()
	strangers := []string{"README", "0000000000000001-0000000000000001.ltx", "ltx/0/0000000000000001-0000000000000001.ltx",
		"ltx/0001/notes", "ltx/0001/.0000000000000001-0000000000000001.ltx.swp", "ltx/0001/x.tmp",
		"ltx/0001/deeper/0000000000000001-0000000000000001.ltx", "ltx/0009/0000000000000001-0000000000000001.ltx",
		"ltx/00002/0000000000000001-0000000000000001.ltx", "snapshots2/0000000000000001-0000000000000001.ltx"}
	for _, name := range strangers {
		put(t, root, name, "x")
	}
	want := allNames(t, root)

	c := newClient(t, Config{Path: root})
	for _, level := range []int{0, 1, 2, 9, 1234} {
		write(t, c, level, 1, 1, []byte("x"))
	}
	put(t, root, "ltx/0001/"+backend.TempName(ltx.FormatFilename(1, 1)), "left")
	put(t, root, "ltx/0007/"+ltx.FormatFilename(1, 1)+".tmp", "left by litestream")
	put(t, root, "ltx/0001/"+ltx.FormatFilename(8, 8), "")
	for range 2 {
		require.NoError(t, c.DeleteAll(t.Context()))
		assert.Equal(t, want, allNames(t, root))
	}
	write(t, c, 0, 1, 1, []byte("x"))
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
}

// A layout without the directory of the levels leaves a stranger's of its name.
func TestDeleteAllOfLevelsInTheRoot(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root, Layout: ltxstore.LayoutLitestreamS3})
	write(t, c, 0, 1, 1, []byte("x"))
	require.NoError(t, os.Mkdir(filepath.Join(root, "ltx"), 0o755))
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Equal(t, []string{"ltx/"}, allNames(t, root))
}

// What holds a directory is fsynced when that is removed: the directory of the
// levels where something stays in it, and the root.
func TestDeleteAllIsDurable(t *testing.T) {
	for _, stays := range []bool{false, true} {
		root := filepath.Join(t.TempDir(), "root")
		c := newClient(t, Config{Path: root})
		write(t, c, 0, 1, 1, []byte("x"))
		want := []string{"remove", "syncDir 0000", "remove", "remove"}
		if stays {
			put(t, root, "ltx/notes", "theirs")
			want = append(want, "syncDir ltx")
		}
		fsys := &scriptFS{}
		c.disk.fsys = fsys
		require.NoError(t, c.DeleteAll(t.Context()))
		assert.Equal(t, append(want, "syncDir root"), fsys.ops())
	}
}

// A directory that another deletion removes after this one has found something in it
// is gone, which is what was wanted.
func TestDeleteAllDuringAnother(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	c.disk.fsys = &scriptFS{before: func(op, name string) error {
		if op == "remove" && filepath.Base(name) == "ltx" {
			require.NoError(t, os.Remove(filepath.Join(root, "ltx")))
			return syscall.ENOTEMPTY
		}
		return nil
	}}
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, allNames(t, root))
}

func TestDeleteAllNamesEachFailure(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	for id := txid(1); id <= 3; id++ {
		write(t, c, 0, id, id, []byte("x"))
		write(t, c, 9, id, id, []byte("x"))
	}
	c.disk.fsys = &scriptFS{before: func(op, name string) error {
		if op == "remove" && strings.Contains(name, "2.ltx") {
			return syscall.EACCES
		}
		return nil
	}}
	err := c.DeleteAll(t.Context())
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "ltx/0000/0000000000000002")
	assert.ErrorContains(t, err, "snapshots/0000000000000002")
	assert.Equal(t, []string{c.keyOf(t, 0, 2, 2), c.keyOf(t, 9, 2, 2)}, files(t, root))

	c.disk.fsys = osFS{}
	ctx, cancel := context.WithCancelCause(t.Context())
	boom := errors.New("boom")
	c.disk.fsys = &scriptFS{before: func(op, _ string) error { cancel(boom); return nil }}
	require.ErrorIs(t, c.DeleteAll(ctx), boom)
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, allNames(t, root))
}

// What has the name of a file and is none is no file that was removed: nothing of it
// is lost, and no directory is fsynced for it.
func TestDeleteOfNonFiles(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	name := c.keyOf(t, 0, 2, 2)
	require.NoError(t, os.Mkdir(filepath.Join(root, name), 0o755))
	fsys := &scriptFS{}
	c.disk.fsys = fsys
	require.NoError(t, c.DeleteLTXFiles(t.Context(), infos(0, 2)))
	assert.DirExists(t, filepath.Join(root, name))
	assert.Empty(t, fsys.ops())
}
