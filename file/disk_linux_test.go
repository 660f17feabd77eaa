package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// mountDisk mounts a file system of that many KiB in memory.
func mountDisk(t *testing.T, options string, flags uintptr) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("ltxstore", dir, "tmpfs", flags, options); err != nil {
		t.Skipf("needs the ability to mount a tmpfs (root): %v", err)
	}
	t.Cleanup(func() {
		assert.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH))
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	root := filepath.Join(mountDisk(t, "size=1m", 0), "replica")
	c := newClient(t, Config{Path: root})
	older := body(t, 1, 1, 300<<10, epoch, 1)
	write(t, c, 0, 1, 1, older)

	large := body(t, 1, 1, 2<<20, epoch, 2)
	src, err := os.Open(put(t, t.TempDir(), "src", string(large)))
	require.NoError(t, err)
	defer src.Close()
	for _, r := range []io.Reader{readerOf(large), src} {
		for _, once := range []bool{false, true} {
			if s, ok := r.(io.Seeker); ok {
				_, err := s.Seek(0, io.SeekStart)
				require.NoError(t, err)
			}
			c := newClient(t, Config{Path: root, WriteOnce: once})
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, r)
			require.ErrorIs(t, err, syscall.ENOSPC)
			assert.False(t, ltxstore.IsRetryable(err))
			assert.ErrorContains(t, err, "file: write ltx/0000/0000000000000001-0000000000000001.ltx: ")
			assert.Equal(t, []string{"ltx/0000/" + ltx.FormatFilename(1, 1)}, files(t, root))
		}
	}
	assert.Equal(t, older, read(t, c, 0, 1, 1))

	// There is room for it once something has gone.
	write(t, c, 0, 2, 2, body(t, 2, 2, 600<<10, epoch, 3))
	third := body(t, 3, 3, 600<<10, epoch, 3)
	_, err = c.WriteLTXFile(t.Context(), 0, 3, 3, readerOf(third))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, c.DeleteLTXFiles(t.Context(), infos(0, 2)))
	write(t, c, 0, 3, 3, third)
	assert.Equal(t, third, read(t, c, 0, 3, 3))
}

func TestDiskWithoutInodes(t *testing.T) {
	root := mountDisk(t, "size=1m,nr_inodes=5", 0)
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	var err error
	for id := ltx.TXID(2); err == nil && id < 10; id++ {
		_, err = c.WriteLTXFile(t.Context(), 0, id, id, readerOf([]byte("x")))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.Empty(t, temps(t, root))
	_, err = c.WriteLTXFile(t.Context(), 1, 1, 1, readerOf([]byte("x")))
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
}

func TestReadOnlyDisk(t *testing.T) {
	root := mountDisk(t, "size=1m", 0)
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	require.NoError(t, c.Close())
	put(t, root, "ltx/0000/"+ltx.FormatFilename(1, 1)+".tmp", "left")
	require.NoError(t, syscall.Mount("", root, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))

	c = newClient(t, Config{Path: root, SweepAge: minSweepAge})
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
	found, err := list(t.Context(), c, 0, 0, true)
	require.NoError(t, err)
	assert.Len(t, found, 1)
	_, writeErr := c.WriteLTXFile(t.Context(), 0, 2, 2, readerOf([]byte("x")))
	_, mkdirErr := c.WriteLTXFile(t.Context(), 5, 2, 2, readerOf([]byte("x")))
	for _, err := range []error{writeErr, mkdirErr, c.DeleteLTXFiles(t.Context(), infos(0, 1)), c.DeleteAll(t.Context())} {
		require.ErrorIs(t, err, syscall.EROFS)
		require.ErrorIs(t, err, fs.ErrPermission)
		assert.False(t, ltxstore.IsRetryable(err))
	}
}

// TestDenied takes the rights of the superuser from one thread, which ends
// with its goroutine.
func TestDenied(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(root), 0o755))
	require.NoError(t, os.Chmod(root, 0o755))
	write(t, newClient(t, Config{Path: root}), 0, 1, 1, []byte("x"))
	secret := filepath.Join(root, "ltx", "0000")
	require.NoError(t, os.Chmod(filepath.Join(root, "ltx"), 0o755))
	require.NoError(t, os.Chmod(secret, 0))
	t.Cleanup(func() { os.Chmod(secret, 0o755) })

	errs := make(chan error, 4)
	go func() {
		runtime.LockOSThread() // never unlocked
		defer close(errs)
		if err := dropRights(); err != nil {
			errs <- err
			return
		}
		c := NewReplicaClient(Config{Path: root})
		c.SetLogger(nil)
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		errs <- err
		it, err := c.LTXFiles(t.Context(), 0, 0, false)
		if err == nil {
			for it.Next() {
			}
			err = it.Close()
		}
		errs <- err
		errs <- c.DeleteLTXFiles(t.Context(), infos(0, 1))
		_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf([]byte("y")))
		errs <- err
	}()
	count := 0
	for err := range errs {
		count++
		if errors.Is(err, errStillRoot) {
			t.Skipf("needs the ability to give up the superuser's rights: %v", err)
		}
		require.ErrorIs(t, err, fs.ErrPermission)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		assert.False(t, ltxstore.IsRetryable(err))
	}
	assert.Equal(t, 4, count)
}

var errStillRoot = errors.New("setfsuid had no effect")

func dropRights() error {
	if os.Getuid() != 0 {
		return nil
	}
	const nobody = 65534
	if err := syscall.Setfsuid(nobody); err != nil {
		return errors.Join(errStillRoot, err)
	}
	if id, _, _ := syscall.RawSyscall(syscall.SYS_SETFSUID, ^uintptr(0), 0, 0); id != nobody {
		return errStillRoot
	}
	return nil
}

// A directory that is open and gone is empty, and a context that has ended lists nothing.
func TestEachNameEnds(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, eachName(ended, dir, nil), context.Canceled)
	require.NoError(t, os.Remove(dir.Name()))
	require.NoError(t, eachName(t.Context(), dir, func(string) { t.Error("it is empty") }))
	assert.True(t, isGone(syscall.ENOENT))
	assert.True(t, isGone(syscall.ESTALE), "as NFS has it")
	assert.False(t, isGone(syscall.EIO))
}
