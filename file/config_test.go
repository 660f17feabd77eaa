package file

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

func TestInitNamesTheBadField(t *testing.T) {
	regular := put(t, t.TempDir(), "regular", "x")
	dir := t.TempDir()
	for name, test := range map[string]struct {
		cfg  Config
		want []string
	}{
		"no path":         {Config{}, []string{"Path", `""`, "want"}},
		"NUL":             {Config{Path: "a\x00b"}, []string{"Path", `a\x00b`, "NUL"}},
		"file":            {Config{Path: regular}, []string{"Path", "want a directory"}},
		"below a file":    {Config{Path: filepath.Join(regular, "a", "b")}, []string{"Path", regular + " is a file"}},
		"layout":          {Config{Path: dir, Layout: 77}, []string{"layout(77)", "litestream-s3"}},
		"dir mode":        {Config{Path: dir, DirMode: 0o050}, []string{"DirMode", "050", "0750"}},
		"dir mode type":   {Config{Path: dir, DirMode: fs.ModeDir | 0o755}, []string{"DirMode", "permission bits"}},
		"file mode":       {Config{Path: dir, FileMode: 0o444}, []string{"FileMode", "0444", "0640"}},
		"sweep age":       {Config{Path: dir, SweepAge: time.Millisecond}, []string{"SweepAge", "1ms", "at least 1s"}},
		"sweep age below": {Config{Path: dir, SweepAge: -time.Hour}, []string{"SweepAge", "-1h"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewReplicaClient(test.cfg)
			for _, err := range []error{c.Init(t.Context()), c.DeleteAll(t.Context())} {
				require.ErrorIs(t, err, fs.ErrInvalid)
				var e *ltxstore.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, "init", e.Op)
				for _, want := range test.want {
					assert.Contains(t, err.Error(), want)
				}
			}
		})
	}
}

func TestInitFailsAndTriesAgain(t *testing.T) {
	root := filepath.Join(t.TempDir(), "replica")
	c := newClient(t, Config{Path: root, MustExist: true})
	err := c.Init(t.Context())
	require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
	assert.NotErrorIs(t, err, fs.ErrNotExist)

	require.NoError(t, os.Mkdir(root, 0o755))
	require.NoError(t, c.Init(t.Context()))
	require.NoError(t, c.Init(t.Context()))
}

func TestMissingRoot(t *testing.T) {
	t.Run("is an empty replica", func(t *testing.T) {
		root := filepath.Join(t.TempDir(), "a", "b")
		c := newClient(t, Config{Path: root})
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrNotExist)
		assert.ErrorContains(t, err, "file: open ltx/0000/0000000000000001-0000000000000001.ltx")
		files, err := list(t.Context(), c, 0, 0, true)
		require.NoError(t, err)
		assert.Empty(t, files)
		require.NoError(t, c.DeleteLTXFiles(t.Context(), infos(0, 1, 2)))
		require.NoError(t, c.DeleteAll(t.Context()))
		assert.NoDirExists(t, filepath.Dir(root), "reading and deleting make no directory")

		write(t, c, 0, 1, 1, body(t, 1, 1, 200, epoch, 0))
		assert.Len(t, read(t, c, 0, 1, 1), 200)
	})
	t.Run("is an error with MustExist", func(t *testing.T) {
		root := t.TempDir()
		c := newClient(t, Config{Path: root, MustExist: true})
		write(t, c, 0, 1, 1, body(t, 1, 1, 200, epoch, 0))
		require.NoError(t, os.RemoveAll(root))

		_, openErr := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		_, listErr := list(t.Context(), c, 0, 0, false)
		_, writeErr := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(body(t, 1, 1, 200, epoch, 0)))
		for _, err := range []error{openErr, listErr, writeErr,
			c.DeleteLTXFiles(t.Context(), infos(0, 1)), c.DeleteAll(t.Context())} {
			require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
			assert.NotErrorIs(t, err, fs.ErrNotExist)
			assert.False(t, ltxstore.IsRetryable(err))
		}
		assert.NoDirExists(t, root)
	})
	t.Run("is no dangling link", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "link")
		require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "nothing"), link))
		err := newClient(t, Config{Path: link}).Init(t.Context())
		require.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
	})
}

func TestModes(t *testing.T) {
	root := filepath.Join(t.TempDir(), "replica")
	c := newClient(t, Config{Path: root, DirMode: 0o700, FileMode: 0o600})
	write(t, c, 0, 1, 1, body(t, 1, 1, 200, epoch, 0))
	for name, want := range map[string]fs.FileMode{
		"": 0o700, "ltx": 0o700, "ltx/0000": 0o700,
		"ltx/0000/0000000000000001-0000000000000001.ltx": 0o600,
	} {
		info, err := os.Stat(filepath.Join(root, name))
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().Perm(), name)
	}
}

func TestRelativePathIsResolvedOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	c := newClient(t, Config{Path: "replica"})
	write(t, c, 0, 1, 1, body(t, 1, 1, 200, epoch, 0))
	t.Chdir(t.TempDir())
	assert.Len(t, read(t, c, 0, 1, 1), 200)
}
