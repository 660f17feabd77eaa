//go:build unix

package file

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// swaps put something else in the place of a file or directory. Opening some of
// them would wait for ever.
func swaps(t *testing.T, elsewhere string) map[string]func(path string) {
	return map[string]func(path string){
		"pipe":       func(path string) { require.NoError(t, syscall.Mkfifo(path, 0o644)) },
		"link":       func(path string) { require.NoError(t, os.Symlink(elsewhere, path)) },
		"dead link":  func(path string) { require.NoError(t, os.Symlink("nowhere", path)) },
		"loop":       func(path string) { require.NoError(t, os.Symlink(filepath.Base(path), path)) },
		"directory":  func(path string) { require.NoError(t, os.Mkdir(path, 0o755)) },
		"empty file": func(path string) { require.NoError(t, os.WriteFile(path, nil, 0o644)) },
		"nothing":    func(string) {},
		"socket": func(path string) {
			t.Chdir(filepath.Dir(path)) // a socket's path is short
			l, err := net.Listen("unix", filepath.Base(path))
			require.NoError(t, err)
			t.Cleanup(func() { l.Close() })
		},
	}
}

// swapOnce replaces path when op comes to name, once.
func swapOnce(t *testing.T, op, name, path string, by func(path string)) (fsys *scriptFS, done *bool) {
	done = new(bool)
	return &scriptFS{look: func(what, of string) error {
		if what == op && of == name && !*done {
			*done = true
			require.NoError(t, os.Rename(path, filepath.Join(t.TempDir(), "away")))
			by(path)
		}
		return nil
	}}, done
}

// What takes a file's place after it was looked at, and before it is opened, is
// a stranger: it is neither waited for nor followed.
func TestFileSwappedWhileOpened(t *testing.T) {
	for name := range swaps(t, "") {
		for what, do := range map[string]func(t *testing.T, c *ReplicaClient){
			"open": func(t *testing.T, c *ReplicaClient) {
				_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
				require.ErrorIs(t, err, fs.ErrNotExist)
			},
			"list": func(t *testing.T, c *ReplicaClient) {
				found, err := list(t.Context(), c, 0, 0, true)
				require.NoError(t, err)
				assert.Empty(t, found)
			},
			"write once": func(t *testing.T, c *ReplicaClient) {
				_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf(body(t, 1, 1, 200, epoch, 0)))
				if name == "nothing" {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, fs.ErrExist)
				}
			},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				root := t.TempDir()
				c := newClient(t, Config{Path: root, WriteOnce: what == "write once"})
				write(t, c, 0, 1, 1, body(t, 1, 1, 200, epoch, 0))
				path := filepath.Join(root, c.keyOf(t, 0, 1, 1))
				put(t, root, "ltx/0000/elsewhere", "theirs")
				fsys, done := swapOnce(t, "open", filepath.Base(path), path, swaps(t, "elsewhere")[name])
				c.disk.fsys = fsys
				do(t, c)
				assert.True(t, *done)
			})
		}
	}
}

// A file that replaces another is as good.
func TestFileReplacedWhileOpened(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("older"))
	path := filepath.Join(root, c.keyOf(t, 0, 1, 1))
	fsys, done := swapOnce(t, "open", filepath.Base(path), path, func(path string) {
		require.NoError(t, os.WriteFile(path, []byte("newer"), 0o644))
	})
	c.disk.fsys = fsys
	assert.Equal(t, "newer", string(read(t, c, 0, 1, 1)))
	assert.True(t, *done)
}

// A file that is replaced each time one looks is read all the same.
func TestFileWithoutLastingIdentity(t *testing.T) {
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	write(t, c, 0, 1, 1, []byte("x"))
	name := filepath.Base(c.keyOf(t, 0, 1, 1))
	path := filepath.Join(root, c.keyOf(t, 0, 1, 1))
	fsys := &scriptFS{look: func(op, of string) error {
		if op == "open" && of == name {
			other := filepath.Join(t.TempDir(), "x")
			require.NoError(t, os.WriteFile(other, []byte("x"), 0o644))
			require.NoError(t, os.Rename(other, path))
		}
		return nil
	}}
	c.disk.fsys = fsys
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))

	open := openDescriptors(t)
	for range 3 {
		assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
	}
	assert.Equal(t, open, openDescriptors(t), "each try is closed")
}

// What is in its place is opened at once.
func TestOpenedOnce(t *testing.T) {
	root := t.TempDir()
	write(t, newClient(t, Config{Path: root}), 0, 1, 1, []byte("x"))
	c := newClient(t, Config{Path: root})
	require.NoError(t, c.Init(t.Context()))
	opened := make(map[string]int)
	c.disk.fsys = &scriptFS{look: func(op, of string) error {
		if op == "open" || op == "openRoot" {
			opened[of]++
		}
		return nil
	}}
	assert.Equal(t, "x", string(read(t, c, 0, 1, 1)))
	assert.Equal(t, map[string]int{root: 1, "ltx": 1, "0000": 1, filepath.Base(c.keyOf(t, 0, 1, 1)): 1}, opened)
}

// No directory is waited for or followed either.
func TestDirectorySwappedWhileOpened(t *testing.T) {
	for name := range swaps(t, "") {
		if name == "directory" {
			continue // that is what other clients do
		}
		for _, step := range []struct{ op, of, path string }{
			{"openRoot", "ltx", "ltx"}, {"openRoot", "0000", "ltx/0000"}, {"openDir", "ltx", "ltx"},
		} {
			for what, do := range map[string]func(c *ReplicaClient) error{
				"open": func(c *ReplicaClient) error {
					_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
					return err
				},
				"list":   func(c *ReplicaClient) error { _, err := list(t.Context(), c, 0, 0, true); return err },
				"levels": func(c *ReplicaClient) error { _, err := c.LTXLevels(t.Context()); return err },
				"write": func(c *ReplicaClient) error {
					_, err := c.WriteLTXFile(t.Context(), 0, 2, 2, readerOf([]byte("x")))
					return err
				},
				"delete":     func(c *ReplicaClient) error { return c.DeleteLTXFiles(t.Context(), infos(0, 1)) },
				"delete all": func(c *ReplicaClient) error { return c.DeleteAll(t.Context()) },
			} {
				t.Run(name+"/"+step.op+" "+step.of+"/"+what, func(t *testing.T) {
					root := t.TempDir()
					write(t, newClient(t, Config{Path: root}), 0, 1, 1, []byte("ours"))
					theirs := put(t, root, "elsewhere/0000/"+filepath.Base(newClient(t, Config{Path: root}).keyOf(t, 0, 1, 1)), "theirs")
					c := newClient(t, Config{Path: root})
					require.NoError(t, c.Init(t.Context()))
					target := map[string]string{"ltx": "elsewhere", "ltx/0000": "../elsewhere/0000"}[step.path]
					fsys, _ := swapOnce(t, step.op, step.of, filepath.Join(root, step.path), swaps(t, target)[name])
					c.disk.fsys = fsys
					_ = do(c) // returns, whatever it says
					assert.FileExists(t, theirs)
					assert.Equal(t, []string{"elsewhere/0000/" + filepath.Base(theirs)}, files(t, filepath.Join(root))[:1])
				})
			}
		}
	}
}

// Nor is a root.
func TestRootSwappedWhileOpened(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	require.NoError(t, os.Mkdir(root, 0o755))
	c := newClient(t, Config{Path: root})
	require.NoError(t, c.Init(t.Context()))
	require.NoError(t, os.Remove(root))
	require.NoError(t, syscall.Mkfifo(root, 0o644))
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf([]byte("x")))
	require.ErrorIs(t, err, syscall.ENOTDIR)
	require.ErrorIs(t, c.DeleteAll(t.Context()), syscall.ENOTDIR)
	_, err = list(t.Context(), c, 0, 0, false)
	require.ErrorIs(t, err, syscall.ENOTDIR)

	above := filepath.Join(t.TempDir(), "above")
	require.NoError(t, os.Mkdir(above, 0o755))
	c = newClient(t, Config{Path: filepath.Join(above, "root")})
	require.NoError(t, c.Init(t.Context()))
	require.NoError(t, os.Remove(above))
	require.NoError(t, syscall.Mkfifo(above, 0o644))
	_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, readerOf([]byte("x")))
	require.ErrorIs(t, err, syscall.ENOTDIR)
}
