package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func readerOf(b []byte) io.Reader { return bytes.NewReader(b) }

func infos(level int, ids ...ltx.TXID) (files []*ltx.FileInfo) {
	for _, id := range ids {
		files = append(files, &ltx.FileInfo{Level: level, MinTXID: id, MaxTXID: id})
	}
	return files
}

func TestWriteReturnsTheListedFile(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	info := write(t, c, ltxstore.SnapshotLevel, 1, 7, body(t, 1, 7, 5000, epoch, 1))
	assert.Equal(t, &ltx.FileInfo{Level: 9, MinTXID: 1, MaxTXID: 7, Size: 5000, CreatedAt: epoch}, info)

	other := write(t, c, ltxstore.SnapshotLevel, 8, 9, []byte("wrapped, no LTX header"))
	assert.WithinDuration(t, time.Now(), other.CreatedAt, time.Minute)
	assert.Equal(t, time.UTC, other.CreatedAt.Location())
	for _, headers := range []bool{false, true} {
		files, err := list(t.Context(), c, 9, 0, headers)
		require.NoError(t, err)
		assert.Equal(t, []*ltx.FileInfo{info, other}, files, "useMetadata %v", headers)
	}
	assert.Equal(t, []string{"snapshots/", "snapshots/0000000000000001-0000000000000007.ltx",
		"snapshots/0000000000000008-0000000000000009.ltx"}, allNames(t, root))
}

func TestWriteOrder(t *testing.T) {
	root := filepath.Join(t.TempDir(), "above", "root")
	c := newClient(t, Config{Path: root})
	fsys := &scriptFS{}
	c.disk.fsys = fsys
	write(t, c, 3, 1, 1, body(t, 1, 1, 4096, epoch, 0))
	// Every directory made is fsynced into the one that holds it, from the
	// highest down, before the file is begun.
	parent := filepath.Base(filepath.Dir(filepath.Dir(root)))
	assert.Equal(t, []string{
		"mkdir above", "syncDir " + parent, "mkdir above/root", "syncDir above",
		"mkdir ltx", "syncDir root", "mkdir ltx/0003", "syncDir ltx", "syncDir above",
		"create", "write", "setTime", "sync", "close", "rename", "syncDir 0003",
	}, fsys.ops())

	write(t, c, 3, 2, 2, body(t, 2, 2, 4096, epoch, 0))
	assert.Equal(t, []string{"create", "write", "setTime", "sync", "close", "rename", "syncDir 0003"}, fsys.ops(),
		"a level in use costs these and no more")

	write(t, c, 3, 3, 3, []byte("no header"))
	assert.Equal(t, []string{"create", "write", "sync", "close", "rename", "syncDir 0003"}, fsys.ops())

	// Another client finds the directories, and cannot know that they are durable.
	again := newClient(t, Config{Path: root, WriteOnce: true})
	again.disk.fsys = fsys
	_ = read(t, again, 3, 1, 1)
	assert.Empty(t, fsys.ops())
	write(t, again, 3, 4, 4, body(t, 4, 4, 4096, epoch, 0))
	assert.Equal(t, []string{"syncDir root", "syncDir ltx", "syncDir above",
		"create", "write", "setTime", "sync", "close", "link", "remove", "syncDir 0003"}, fsys.ops())
}

// TestWriteFailsAtEachStep lets each operation of a first write fail in turn,
// with each error.
func TestWriteFailsAtEachStep(t *testing.T) {
	for _, once := range []bool{false, true} {
		for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EACCES, syscall.EMFILE, syscall.EROFS} {
			steps := []string{"mkdir ltx", "syncDir root", "mkdir ltx/0000", "syncDir ltx",
				"create", "write", "readFrom", "setTime", "sync", "close", "rename"}
			if once {
				steps[len(steps)-1] = "link"
			}
			for _, step := range steps {
				t.Run(strings.ReplaceAll(step, "/", " ")+" "+errno.Error(), func(t *testing.T) {
					testFailingStep(t, once, step, errno)
				})
			}
		}
	}
}

func testFailingStep(t *testing.T, once bool, step string, errno syscall.Errno) {
	root := filepath.Join(t.TempDir(), "root")
	older := body(t, 1, 1, 3000, epoch, 1)
	if !strings.Contains(step, "ltx") {
		write(t, newClient(t, Config{Path: root}), 0, 1, 1, older)
	} else {
		require.NoError(t, os.Mkdir(root, 0o755))
	}
	before := files(t, root)

	c := newClient(t, Config{Path: root, WriteOnce: once})
	fsys := &scriptFS{before: func(op, _ string) error {
		if op == step {
			return &fs.PathError{Op: op, Path: "secret/absolute/path", Err: errno}
		}
		return nil
	}}
	c.disk.fsys = fsys
	newer := body(t, 1, 1, 9000, epoch.Add(time.Hour), 2)
	var src io.Reader = bytes.NewReader(newer)
	if step == "readFrom" {
		f, err := os.Open(put(t, t.TempDir(), "src", string(newer)))
		require.NoError(t, err)
		defer f.Close()
		src = f
	}
	info, err := c.WriteLTXFile(t.Context(), 0, 1, 1, src)
	require.ErrorIs(t, err, errno)
	assert.Nil(t, info)
	var e *ltxstore.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "write", e.Op)
	assert.Equal(t, "ltx/0000/0000000000000001-0000000000000001.ltx", e.Key)
	assert.NotContains(t, err.Error(), "secret")
	assert.Equal(t, errno == syscall.EMFILE, ltxstore.IsRetryable(err), "%v", err)
	assert.Equal(t, errno == syscall.EACCES || errno == syscall.EROFS, errors.Is(err, fs.ErrPermission))
	assert.Contains(t, fsys.ops(), step, "the fault was used")

	after := files(t, root)
	assert.Equal(t, before, after, "nothing new, no temporary")
	if len(after) > 0 {
		assert.Equal(t, older, read(t, c, 0, 1, 1))
	}

	// The fault over, the same client goes on.
	fsys.before = nil
	if once && len(after) > 0 {
		require.NoError(t, c.DeleteLTXFiles(t.Context(), infos(0, 1)))
	}
	write(t, c, 0, 1, 1, newer)
	assert.Equal(t, newer, read(t, c, 0, 1, 1))
}

func TestDirectoryFsync(t *testing.T) {
	t.Run("refused is tolerated", func(t *testing.T) {
		for _, errno := range []syscall.Errno{syscall.EINVAL, syscall.ENOTSUP, syscall.EBADF, syscall.ENOSYS, syscall.ENOTTY} {
			c := newClient(t, Config{})
			c.disk.fsys = &scriptFS{before: func(op, _ string) error {
				if strings.HasPrefix(op, "syncDir") {
					return &fs.PathError{Op: "fsync", Err: errno}
				}
				return nil
			}}
			b := body(t, 1, 1, 500, epoch, 0)
			write(t, c, 0, 1, 1, b)
			assert.Equal(t, b, read(t, c, 0, 1, 1))
			require.NoError(t, c.DeleteLTXFiles(t.Context(), infos(0, 1)))
			require.NoError(t, c.DeleteAll(t.Context()))
		}
	})
	t.Run("failing after the rename is an error, and the file is whole", func(t *testing.T) {
		for _, once := range []bool{false, true} {
			root := t.TempDir()
			c := newClient(t, Config{Path: root, WriteOnce: once})
			fsys := &scriptFS{before: func(op, _ string) error {
				if op == "syncDir 0000" {
					return syscall.EIO
				}
				return nil
			}}
			c.disk.fsys = fsys
			b := body(t, 1, 1, 500, epoch, 0)
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(b))
			require.ErrorIs(t, err, syscall.EIO)
			assert.Empty(t, temps(t, root))
			assert.Equal(t, b, read(t, c, 0, 1, 1))

			// A retry is not success before the directory is durable.
			_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(b))
			require.ErrorIs(t, err, syscall.EIO)
			fsys.before = nil
			write(t, c, 0, 1, 1, b)
		}
	})
	t.Run("of the level's parents failing is tried again", func(t *testing.T) {
		c := newClient(t, Config{})
		fsys := &scriptFS{before: func(op, _ string) error {
			if op == "syncDir ltx" {
				return syscall.EIO
			}
			return nil
		}}
		c.disk.fsys = fsys
		for range 2 {
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(body(t, 1, 1, 500, epoch, 0)))
			require.ErrorIs(t, err, syscall.EIO)
		}
		fsys.ops()
		fsys.before = nil
		write(t, c, 0, 1, 1, body(t, 1, 1, 500, epoch, 0))
		assert.Contains(t, fsys.ops(), "syncDir ltx")
	})
}

func TestTemporaryThatCannotBeRemoved(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	fsys := &scriptFS{before: func(op, _ string) error {
		switch op {
		case "sync":
			return syscall.ENOSPC
		case "remove":
			return syscall.EIO
		}
		return nil
	}}
	c.disk.fsys = fsys
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(body(t, 1, 1, 500, epoch, 0)))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Len(t, temps(t, root), 1)
	files, err := list(t.Context(), c, 0, 0, false)
	require.NoError(t, err)
	assert.Empty(t, files)

	fsys.before = nil
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, allNames(t, root))
}

func TestWriteOnce(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root, WriteOnce: true})
	large := body(t, 1, 1, 3*bufferSize+17, epoch, 1)
	first := write(t, c, 0, 1, 1, large)
	assert.Equal(t, first, write(t, c, 0, 1, 1, large), "a retry after a lost answer")

	differs := bytes.Clone(large)
	differs[len(differs)-1] ^= 1
	for _, b := range [][]byte{differs, large[:len(large)-1], body(t, 1, 1, 100, epoch, 1)} {
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(b))
		require.ErrorIs(t, err, fs.ErrExist)
		assert.False(t, ltxstore.IsRetryable(err))
		assert.Equal(t, large, read(t, c, 0, 1, 1))
	}

	plain := write(t, c, 0, 2, 2, []byte("plain"))
	stored := filepath.Join(root, "ltx/0000/0000000000000002-0000000000000002.ltx")
	require.NoError(t, os.Chtimes(stored, time.Time{}, epoch))
	assert.Equal(t, epoch, write(t, c, 0, 2, 2, []byte("plain")).CreatedAt, "the time of the file that is there")
	assert.NotEqual(t, epoch, plain.CreatedAt)

	put(t, root, "ltx/0000/0000000000000003-0000000000000003.ltx", "")
	_, err := c.WriteLTXFile(t.Context(), 0, 3, 3, readerOf([]byte("x")))
	require.ErrorIs(t, err, fs.ErrExist)
	assert.ErrorContains(t, err, "torn upload")
	assert.Empty(t, temps(t, root))
}

func TestWriteOnceHasOneWinner(t *testing.T) {
	root := t.TempDir()
	const writers = 8
	for round := ltx.TXID(1); round <= 10; round++ {
		var wg sync.WaitGroup
		errs := make([]error, writers)
		for w := range writers {
			c := newClient(t, Config{Path: root, WriteOnce: true})
			wg.Go(func() {
				_, errs[w] = c.WriteLTXFile(t.Context(), 0, round, round, readerOf(body(t, round, round, 2000, epoch, uint64(w))))
			})
		}
		wg.Wait()
		var winners []int
		for w, err := range errs {
			if err == nil {
				winners = append(winners, w)
			} else {
				require.ErrorIs(t, err, fs.ErrExist)
			}
		}
		require.Len(t, winners, 1)
		assert.Equal(t, body(t, round, round, 2000, epoch, uint64(winners[0])), read(t, newClient(t, Config{Path: root}), 0, round, round))
	}
}

func TestWriteOnceWithoutHardLinks(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOTSUP, syscall.ENOSYS} {
		root := t.TempDir()
		c := newClient(t, Config{Path: root, WriteOnce: true})
		c.disk.fsys = &scriptFS{before: func(op, _ string) error {
			if op == "link" {
				return errno
			}
			return nil
		}}
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf([]byte("x")))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		assert.NotErrorIs(t, err, fs.ErrPermission)
		assert.ErrorContains(t, err, "hard links")
		assert.Equal(t, []string{"ltx/", "ltx/0000/"}, allNames(t, root))
	}
}

func TestWriteOnceOfAFileDeletedMeanwhile(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root, WriteOnce: true})
	write(t, c, 0, 1, 1, []byte("older"))
	calls := 0
	c2 := newClient(t, Config{Path: root, WriteOnce: true})
	c2.disk.fsys = &scriptFS{before: func(op, name string) error {
		if op != "link" {
			return nil
		}
		if calls++; calls == 1 {
			require.NoError(t, c.DeleteLTXFiles(t.Context(), infos(0, 1)))
			return fs.ErrExist // it was there when the kernel looked
		}
		return nil
	}}
	write(t, c2, 0, 1, 1, []byte("newer"))
	assert.Equal(t, "newer", string(read(t, c, 0, 1, 1)))
}

func TestBadBodies(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	good := body(t, 1, 2, 300, epoch, 0)
	for name, b := range map[string][]byte{"empty": nil, "cut header": good[:99], "other TXIDs": body(t, 1, 3, 300, epoch, 0)} {
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 2, readerOf(b))
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 2, nil)
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = c.WriteLTXFile(t.Context(), -1, 1, 2, readerOf(good))
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = c.WriteLTXFile(t.Context(), 0, 3, 2, readerOf(good))
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.Empty(t, allNames(t, root), "refused before anything was made")
}

// TestFileTruncatedWhileItIsWritten is the one way to an empty body that the
// look at the header does not see.
func TestFileTruncatedWhileItIsWritten(t *testing.T) {
	path := put(t, t.TempDir(), "src", "plain")
	src, err := os.Open(path)
	require.NoError(t, err)
	defer src.Close()
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	c.disk.fsys = &scriptFS{before: func(op, _ string) error {
		if op == "create" {
			return os.Truncate(path, 0)
		}
		return nil
	}}
	_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, src)
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.Equal(t, []string{"ltx/", "ltx/0000/"}, allNames(t, root))
}

func TestAnyReader(t *testing.T) {
	want := body(t, 1, 1, bufferSize+1234, epoch, 0)
	for name, wrapped := range map[string]io.Reader{
		"one byte": iotest.OneByteReader(readerOf(want)),
		"half":     iotest.HalfReader(readerOf(want)),
		"data+EOF": iotest.DataErrReader(readerOf(want)),
		"buffer":   bytes.NewBuffer(bytes.Clone(want)),
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, Config{})
			assert.EqualValues(t, len(want), write2(t, c, wrapped).Size)
			assert.Equal(t, want, read(t, c, 0, 1, 1))
		})
	}
	t.Run("file from where it stands", func(t *testing.T) {
		f, err := os.Open(put(t, t.TempDir(), "src", "before"+string(want)))
		require.NoError(t, err)
		defer f.Close()
		_, err = f.Seek(6, io.SeekStart)
		require.NoError(t, err)
		c := newClient(t, Config{})
		fsys := &scriptFS{}
		c.disk.fsys = fsys
		write2(t, c, f)
		assert.Equal(t, want, read(t, c, 0, 1, 1))
		assert.Contains(t, fsys.ops(), "readFrom", "left to the kernel")
		at, err := f.Seek(0, io.SeekCurrent)
		require.NoError(t, err, "not closed")
		assert.EqualValues(t, 6+len(want), at, "read to its end")
	})
	t.Run("pipe", func(t *testing.T) {
		pr, pw, err := os.Pipe()
		require.NoError(t, err)
		defer pr.Close()
		go func() {
			pw.Write(want)
			pw.Close()
		}()
		c := newClient(t, Config{})
		write2(t, c, pr)
		assert.Equal(t, want, read(t, c, 0, 1, 1))
	})
	t.Run("stuck", func(t *testing.T) {
		c := newClient(t, Config{})
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(readerOf(want), iotest.ErrReader(nil)))
		require.ErrorIs(t, err, io.ErrNoProgress)
	})
	t.Run("liar", func(t *testing.T) {
		c := newClient(t, Config{})
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(readerOf(want), liar{}))
		require.ErrorContains(t, err, "impossible count")
	})
}

// liar says that it has read more than was asked for.
type liar struct{}

func (liar) Read(p []byte) (int, error) { return len(p) + 1, nil }

func write2(t *testing.T, c *ReplicaClient, r io.Reader) *ltx.FileInfo {
	t.Helper()
	info, err := c.WriteLTXFile(t.Context(), 0, 1, 1, r)
	require.NoError(t, err)
	return info
}

// failingAt yields b and fails, panics or cancels at a position.
type failingAt struct {
	b    []byte
	pos  int
	at   int
	fail func() error
}

func (f *failingAt) Read(p []byte) (int, error) {
	if f.pos >= f.at {
		if err := f.fail(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.b[f.pos:min(f.pos+70, len(f.b))])
	f.pos += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestReaderFailsAtEachStage(t *testing.T) {
	boom := errors.New("boom")
	b := body(t, 1, 1, 2*bufferSize, epoch, 9)
	for _, older := range []bool{false, true} {
		for _, at := range []int{0, 50, 100, 500, bufferSize, len(b) - 1, len(b)} {
			root := t.TempDir()
			c := newClient(t, Config{Path: root})
			var want []string
			if older {
				write(t, c, 0, 1, 1, []byte("older"))
				want = files(t, root)
			}
			check := func() {
				t.Helper()
				assert.Equal(t, want, files(t, root))
				if older {
					assert.Equal(t, "older", string(read(t, c, 0, 1, 1)))
				}
			}
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, &failingAt{b: b, at: at, fail: func() error { return boom }})
			require.ErrorIs(t, err, boom)
			check()

			ctx, cancel := context.WithCancel(t.Context())
			_, err = c.WriteLTXFile(ctx, 0, 1, 1, &failingAt{b: b, at: at, fail: func() error { cancel(); return nil }})
			require.ErrorIs(t, err, context.Canceled)
			assert.False(t, ltxstore.IsRetryable(err))
			check()

			assert.PanicsWithValue(t, "boom", func() {
				_, _ = c.WriteLTXFile(t.Context(), 0, 1, 1, &failingAt{b: b, at: at, fail: func() error { panic("boom") }})
			})
			check()
		}
	}
}

func TestDoneContext(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	cause := errors.New("told to stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	touched := false
	_, openErr := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	_, listErr := list(ctx, c, 0, 0, false)
	_, writeErr := c.WriteLTXFile(ctx, 0, 2, 2, &failingAt{b: []byte("x"), fail: func() error { touched = true; return nil }})
	for _, err := range []error{openErr, listErr, writeErr, c.DeleteLTXFiles(ctx, infos(0, 1)), c.DeleteAll(ctx),
		newClient(t, Config{Path: root}).Init(ctx)} {
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, cause)
	}
	assert.ErrorContains(t, writeErr, "file: write: ")
	assert.False(t, touched, "the reader is not read")
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
}

// TestCancelDuringKernelCopy cancels between two chunks.
func TestCancelDuringKernelCopy(t *testing.T) {
	src, err := os.Create(filepath.Join(t.TempDir(), "src"))
	require.NoError(t, err)
	defer src.Close()
	require.NoError(t, src.Truncate(3*copyChunk))
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	ctx, cancel := context.WithCancel(t.Context())
	chunks := 0
	c.disk.fsys = &scriptFS{before: func(op, _ string) error {
		if op == "readFrom" {
			if chunks++; chunks == 2 {
				cancel()
			}
		}
		return nil
	}}
	_, err = c.WriteLTXFile(ctx, 0, 1, 1, src)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 2, chunks)
	assert.Empty(t, temps(t, root))
}

func TestConcurrentWritersOfOneName(t *testing.T) {
	root := t.TempDir()
	var wg sync.WaitGroup
	const writers = 8
	bodies := make([][]byte, writers)
	for w := range writers {
		bodies[w] = body(t, 1, 1, 1000+w*7001, epoch.Add(time.Duration(w)*time.Second), uint64(w))
	}
	for w := range writers {
		c := newClient(t, Config{Path: root})
		wg.Go(func() {
			for range 15 {
				info, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(bodies[w]))
				if assert.NoError(t, err) {
					assert.EqualValues(t, len(bodies[w]), info.Size)
				}
				if b := read(t, c, 0, 1, 1); !slices.ContainsFunc(bodies, func(x []byte) bool { return bytes.Equal(x, b) }) {
					assert.Fail(t, "a reader found no writer's bytes", "%d bytes", len(b))
				}
			}
		})
	}
	wg.Wait()
	assert.Empty(t, temps(t, root))
}

// TestWritersDuringDeleteAll lets directories vanish under writers: a write
// succeeds or says that it can be tried again, and is never a missing file.
func TestWritersDuringDeleteAll(t *testing.T) {
	root := t.TempDir()
	stop := make(chan struct{})
	var deleters, writers sync.WaitGroup
	for range 2 {
		c := newClient(t, Config{Path: root})
		deleters.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					assert.NoError(t, c.DeleteAll(t.Context()))
					runtime.Gosched()
				}
			}
		})
	}
	for w := range ltx.TXID(3) {
		c := newClient(t, Config{Path: root})
		writers.Go(func() {
			for range 60 {
				_, err := c.WriteLTXFile(t.Context(), int(w), 1, 1, readerOf(body(t, 1, 1, 300, epoch, 0)))
				if err != nil {
					assert.True(t, ltxstore.IsRetryable(err), "%v", err)
					assert.NotErrorIs(t, err, fs.ErrNotExist)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	deleters.Wait()
	require.NoError(t, newClient(t, Config{Path: root}).DeleteAll(t.Context()))
	assert.Empty(t, allNames(t, root))
}

func TestRootReplacedBehindTheClient(t *testing.T) {
	parent := t.TempDir()
	root := filepath.Join(parent, "root")
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("first"))

	require.NoError(t, os.Rename(root, filepath.Join(parent, "moved")))
	_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	write(t, c, 0, 2, 2, []byte("second"))
	assert.FileExists(t, filepath.Join(root, "ltx/0000/0000000000000002-0000000000000002.ltx"))
	assert.NoFileExists(t, filepath.Join(parent, "moved/ltx/0000/0000000000000002-0000000000000002.ltx"))

	require.NoError(t, os.RemoveAll(root))
	require.NoError(t, os.Rename(filepath.Join(parent, "moved"), root))
	assert.Equal(t, "first", string(read(t, c, 0, 1, 1)))
	require.NoError(t, os.RemoveAll(root))
	write(t, c, 0, 3, 3, []byte("third"))
	assert.Equal(t, "third", string(read(t, c, 0, 3, 3)))
}

func TestCloseReleasesDescriptors(t *testing.T) {
	before := openDescriptors(t)
	c := NewReplicaClient(Config{Path: t.TempDir()})
	c.SetLogger(nil)
	for level := range 3 * maxOpenDirs {
		write(t, c, level, 1, 1, []byte("x"))
		assert.Equal(t, "x", string(read(t, c, level, 1, 1)))
	}
	assert.LessOrEqual(t, openDescriptors(t)-before, 2*maxOpenDirs)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	assert.Equal(t, before, openDescriptors(t))
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)), "usable after Close")
	require.NoError(t, c.Close())
}

// openDescriptors returns how many files the process has open.
func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("needs a list of open descriptors in /proc/self/fd: %v", err)
	}
	return len(entries)
}
