package tree_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func onDisk(dir string, change func(*file.Config)) *file.ReplicaClient {
	cfg := file.Config{Path: filepath.Join(dir, "db"), Logger: slog.New(slog.DiscardHandler)}
	change(&cfg)
	return file.NewReplicaClient(cfg)
}

func same(*file.Config) {}

// The client over a Disk, of which package file has the real one.
func TestDiskConformance(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			dir, err := os.MkdirTemp("", "tree")
			return replicatest.Store{
				Client:  onDisk(dir, same),
				Another: func() (ltxstore.ReplicaClient, error) { return onDisk(dir, same), nil },
				Once: func() (ltxstore.ReplicaClient, error) {
					return onDisk(dir, func(c *file.Config) { c.WriteOnce = true }), nil
				},
				Close: func() error { return os.RemoveAll(dir) },
			}, err
		},
		Lacks: []replicatest.Capability{replicatest.Siblings, replicatest.Parents, replicatest.MissingStore, replicatest.RawAccess,
			replicatest.FailingLookups, replicatest.FailingLists, replicatest.BrokenTransfers, replicatest.StalledTransfers,
			replicatest.FailingDeletes, replicatest.Outages, replicatest.CountedRequests, replicatest.Secrets, replicatest.BoundedMemory,
			replicatest.Stripping, replicatest.Leftovers},
		PageSize: 8, BodySize: 64 << 10, LargeSize: 1 << 20,
	})
}

// A body in the caller's file is copied by the kernel, in one piece or several,
// from where the file is; one that has another size than it began with is refused.
func TestDiskBodyInAFile(t *testing.T) {
	const chunk = 16 << 20
	for name, tt := range map[string]struct {
		size, start int64
		fails       error
	}{
		"small":        {size: 1000},
		"from within":  {size: 1000, start: 200},
		"a chunk":      {size: chunk},
		"a chunk more": {size: chunk + 1},
		"empty":        {fails: fs.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			content := bytes.Repeat([]byte("0123456789abcdef"), int(tt.size/16+1))[:tt.size]
			path := filepath.Join(dir, "source")
			require.NoError(t, os.WriteFile(path, content, 0o600))
			f, err := os.Open(path)
			require.NoError(t, err)
			defer f.Close()
			_, err = f.Seek(tt.start, io.SeekStart)
			require.NoError(t, err)
			c := onDisk(dir, same)
			defer c.Close()
			info, err := c.WriteLTXFile(t.Context(), 0, 1, 1, f)
			if tt.fails != nil {
				require.ErrorIs(t, err, tt.fails)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.size-tt.start, info.Size)
			stored, err := os.ReadFile(filepath.Join(dir, "db/ltx/0000", ltx.FormatFilename(1, 1)))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(content[tt.start:], stored))

			at, err := os.Stat(filepath.Join(dir, "db/ltx/0000", ltx.FormatFilename(1, 1)))
			require.NoError(t, err)
			assert.True(t, at.ModTime().Equal(info.CreatedAt), "to the nanosecond: %v, %v", at.ModTime(), info.CreatedAt)
		})
	}
}

// What the caller's reader fails with is the error of the write, and nothing is left.
func TestDiskBodyFails(t *testing.T) {
	dir := t.TempDir()
	c := onDisk(dir, same)
	defer c.Close()
	broken := errors.New("broken")
	for _, body := range []io.Reader{
		io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), failing{broken}),
		failing{broken},
	} {
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, body)
		require.ErrorIs(t, err, broken)
	}
	names, err := filepath.Glob(filepath.Join(dir, "db/ltx/0000/*"))
	require.NoError(t, err)
	assert.Empty(t, names)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
