package file

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
)

// errnos are failures of the disk, of rights and of the process.
var errnos = []syscall.Errno{syscall.EIO, syscall.EACCES, syscall.EMFILE}

// failOne fails the n-th operation, of those that look and those that change the
// disk, and counts them.
func failOne(n int, errno syscall.Errno) (fsys *scriptFS, seen *[]string) {
	seen = &[]string{}
	step := func(op, name string) error {
		*seen = append(*seen, op+" "+name)
		if len(*seen) == n {
			return errno
		}
		return nil
	}
	return &scriptFS{before: step, look: step, noSync: true}, seen
}

// eachFailure calls do with a client of a replica of several levels, whose n-th
// operation fails, for each n that do comes to. Its error must be that failure;
// check looks at what is there then.
func eachFailure(t *testing.T, do func(c *ReplicaClient) error, check func(t *testing.T, c *ReplicaClient, root string)) {
	for _, errno := range errnos {
		for n := 1; ; n++ {
			root := t.TempDir()
			other := newClient(t, Config{Path: root})
			other.disk.fsys = noSync{}
			for _, level := range []int{0, 1, 9} {
				write(t, other, level, 1, 1, body(t, 1, 1, 200, epoch, 0))
				write(t, other, level, 2, 2, []byte("plain"))
			}
			put(t, root, "ltx/0001/"+backend.TempName(ltx.FormatFilename(1, 1)), "left")
			c := newClient(t, Config{Path: root})
			require.NoError(t, c.Init(t.Context()))
			fsys, seen := failOne(n, errno)
			c.disk.fsys = fsys
			err := do(c)
			fsys.before, fsys.look = nil, nil
			if len(*seen) < n {
				require.NoError(t, err)
				assert.Greater(t, n, 4)
				break
			}
			require.ErrorIs(t, err, errno, "operation %d, %s", n, (*seen)[n-1])
			require.NotErrorIs(t, err, fs.ErrNotExist)
			check(t, c, root)
		}
	}
}

func nothing(*testing.T, *ReplicaClient, string) {}

// What cannot be read or removed is told, and goes the next time.
func TestDeleteAllReportsEachFailure(t *testing.T) {
	eachFailure(t, func(c *ReplicaClient) error { return c.DeleteAll(t.Context()) }, func(t *testing.T, c *ReplicaClient, root string) {
		require.NoError(t, c.DeleteAll(t.Context()))
		assert.Empty(t, allNames(t, root))
	})
}

// A level that cannot be looked at does not keep the others from being deleted.
func TestDeleteAllGoesOn(t *testing.T) {
	for _, op := range []string{"lstat", "openRoot", "openDir", "eachName"} {
		root := t.TempDir()
		c := newClient(t, Config{Path: root})
		for _, level := range []int{0, 1, 9} {
			write(t, c, level, 1, 1, []byte("x"))
		}
		failed := false
		c.disk.fsys = &scriptFS{look: func(what, name string) error {
			if what == op && !failed && (name == "ltx/0001" || name == "0001" || name == "ltx") {
				failed = true
				return syscall.EIO
			}
			return nil
		}}
		err := c.DeleteAll(t.Context())
		if !failed {
			continue // it is called with other names
		}
		require.ErrorIs(t, err, syscall.EIO, op)
		assert.NotContains(t, files(t, root), c.keyOf(t, 9, 1, 1), op)
	}
}

func TestDeleteReportsEachFailure(t *testing.T) {
	some := append(infos(0, 1, 2), infos(9, 1)...)
	eachFailure(t, func(c *ReplicaClient) error { return c.DeleteLTXFiles(t.Context(), some) }, func(t *testing.T, c *ReplicaClient, root string) {
		require.NoError(t, c.DeleteLTXFiles(t.Context(), some))
		assert.Len(t, files(t, root), 4)
	})
}

// What reads has everything, or tells what it could not read.
func TestReadsTellEachFailure(t *testing.T) {
	for _, headers := range []bool{false, true} {
		eachFailure(t, func(c *ReplicaClient) error {
			found, err := list(t.Context(), c, 0, 0, headers)
			assert.Equal(t, err == nil, len(found) == 2)
			return err
		}, nothing)
	}
	eachFailure(t, func(c *ReplicaClient) error {
		r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		if err == nil {
			r.Close()
		}
		return err
	}, nothing)
	eachFailure(t, func(c *ReplicaClient) error {
		levels, err := c.LTXLevels(t.Context())
		assert.Equal(t, err == nil, len(levels) == 3)
		return err
	}, nothing)
}

// The sweep goes on, logs each failure, and does not keep from reading.
func TestSweepReportsEachFailure(t *testing.T) {
	for _, errno := range errnos {
		for n, all := 1, false; !all; n++ {
			root := t.TempDir()
			other := newClient(t, Config{Path: root})
			other.disk.fsys = noSync{}
			write(t, other, 0, 1, 1, []byte("x"))
			for _, level := range []string{"ltx/0000/", "ltx/0001/", "snapshots/"} {
				put(t, root, level+backend.TempName(ltx.FormatFilename(1, 1)), "left")
			}
			var log bytes.Buffer
			c := newClient(t, Config{Path: root, Logger: slog.New(slog.NewTextHandler(&log, nil)),
				Clock: func() time.Time { return time.Now().Add(2 * defaultSweepAge) }})
			fsys, seen := failOne(n, errno)
			c.disk.fsys = fsys
			require.NoError(t, c.Init(t.Context()))
			fsys.look, fsys.before = nil, nil
			if all = len(*seen) < n; all {
				assert.NotContains(t, log.String(), "failed")
				assert.Empty(t, temps(t, root))
				assert.Greater(t, n, 10)
			} else {
				assert.Contains(t, log.String(), errno.Error(), (*seen)[n-1])
				assert.LessOrEqual(t, len(temps(t, root)), 3)
			}
			assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
		}
	}
}

// An error in the middle of a directory does not lose what was read before it.
func TestDeleteAllOfHalfADirectory(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	write(t, c, 0, 2, 2, []byte("x"))
	half := &halfFS{}
	c.disk.fsys = half
	require.ErrorIs(t, c.DeleteAll(t.Context()), syscall.EIO)
	assert.Len(t, files(t, root), 1)
	assert.True(t, half.failed)
}

// halfFS fails in a directory after the first file's name.
type halfFS struct {
	osFS
	failed bool
}

func (h *halfFS) eachName(ctx context.Context, dir *os.File, visit func(string)) error {
	n := 0
	err := h.osFS.eachName(ctx, dir, func(name string) {
		if _, _, ok := backend.ParseFilename(name); ok {
			n++
		}
		if n < 2 {
			visit(name)
		}
	})
	if n >= 2 {
		h.failed = true
		return fmt.Errorf("read directory: %w", syscall.EIO)
	}
	return err
}
