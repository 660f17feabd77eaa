package file

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

func TestRootThatIsALink(t *testing.T) {
	target := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(target, link))
	c := newClient(t, Config{Path: link, MustExist: true})
	b := body(t, 1, 1, 500, epoch, 0)
	write(t, c, 0, 1, 1, b)
	assert.Equal(t, b, read(t, c, 0, 1, 1))
	assert.FileExists(t, filepath.Join(target, c.keyOf(t, 0, 1, 1)))

	// Led elsewhere, it is another replica at once.
	other := t.TempDir()
	require.NoError(t, os.Remove(link))
	require.NoError(t, os.Symlink(other, link))
	write(t, c, 0, 2, 2, b2(t))
	assert.FileExists(t, filepath.Join(other, c.keyOf(t, 0, 2, 2)))
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, allNames(t, other))
	_, err := os.Lstat(link)
	require.NoError(t, err)
	assert.Len(t, files(t, target), 1)
}

func b2(t *testing.T) []byte { return body(t, 2, 2, 500, epoch, 0) }

// TestLinkedDirectoriesAreNotFollowed puts a link in the place of a level, or
// of the directory of the levels, out of the root or to another place in it.
func TestLinkedDirectoriesAreNotFollowed(t *testing.T) {
	for _, linked := range []string{"ltx", "ltx/0000"} {
		for _, inside := range []bool{false, true} {
			for _, used := range []bool{false, true} {
				root := t.TempDir()
				c := newClient(t, Config{Path: root, Clock: func() time.Time { return time.Now().Add(2 * defaultSweepAge) }})
				elsewhere := t.TempDir()
				if inside {
					elsewhere = filepath.Join(root, "elsewhere")
				}
				theirs := []string{}
				levelThere := map[string]string{"ltx": "0000/", "ltx/0000": ""}[linked]
				for _, name := range []string{ltx.FormatFilename(1, 1), backend.TempName(ltx.FormatFilename(1, 1))} {
					theirs = append(theirs, put(t, elsewhere, levelThere+name, "theirs"))
				}
				if used { // the directory is open when the link takes its place
					write(t, c, 0, 1, 1, []byte("ours"))
					require.NoError(t, os.RemoveAll(filepath.Join(root, linked)))
				}
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, linked)), 0o755))
				require.NoError(t, os.Symlink(elsewhere, filepath.Join(root, linked)))
				before := allNames(t, elsewhere)

				_, openErr := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
				_, listErr := list(t.Context(), c, 0, 0, true)
				_, writeErr := c.WriteLTXFile(t.Context(), 0, 2, 2, readerOf([]byte("x")))
				for _, err := range []error{openErr, listErr, writeErr, c.DeleteLTXFiles(t.Context(), infos(0, 1))} {
					require.ErrorContains(t, err, linked+" is a symbolic link")
					assert.False(t, ltxstore.IsRetryable(err))
				}
				require.ErrorContains(t, c.DeleteAll(t.Context()), linked+" is a symbolic link")
				assert.Equal(t, before, allNames(t, elsewhere))
				for _, path := range theirs {
					assert.FileExists(t, path)
				}
				_, err := os.Lstat(filepath.Join(root, linked))
				assert.NoError(t, err)
			}
		}
	}
}

// TestLevelMovedAndLinked is the same for every client, also for one that has
// the directory open.
func TestLevelMovedAndLinked(t *testing.T) {
	root, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	level := filepath.Join(root, "ltx", "0000")
	require.NoError(t, os.Rename(level, elsewhere))
	require.NoError(t, os.Symlink(elsewhere, level))
	for _, c := range []*ReplicaClient{c, newClient(t, Config{Path: root})} {
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorContains(t, err, "ltx/0000 is a symbolic link: want a directory")
	}
}

func TestLinkedFileIsReplacedNotFollowed(t *testing.T) {
	for _, once := range []bool{false, true} {
		root := t.TempDir()
		outside := put(t, t.TempDir(), "outside", "theirs")
		c := newClient(t, Config{Path: root, WriteOnce: once})
		write(t, c, 0, 9, 9, []byte("x"))
		require.NoError(t, os.Symlink(outside, filepath.Join(root, c.keyOf(t, 0, 1, 1))))
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf([]byte("ours")))
		if once {
			require.ErrorIs(t, err, os.ErrExist)
			assert.ErrorContains(t, err, "a symbolic link")
		} else {
			require.NoError(t, err)
			assert.Equal(t, "ours", string(read(t, c, 0, 1, 1)))
		}
		b, err := os.ReadFile(outside)
		require.NoError(t, err)
		assert.Equal(t, "theirs", string(b))
	}
}
