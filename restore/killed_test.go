package restore_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
)

// The test binary is also the process that is killed: this variable names the
// database that it restores to.
const childPath = "LTXSTORE_RESTORE_TEST_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		fmt.Println(child(path))
		os.Exit(1) // it should have been killed
	}
	os.Exit(m.Run())
}

// child restores until the temporary is whole, and waits there.
func child(path string) error {
	h := ltxmodel.New(3, 9)
	c := mock.NewReplicaClient(mock.Config{})
	c.SetLogger(nil)
	c.Store().Put("snapshots/0000000000000001-0000000000000009.ltx", mock.Object{Body: h.File(1, 9)})
	_, err := restore.Run(context.Background(), c, path, restore.Config{Overwrite: true, Check: func(context.Context, string) error {
		fmt.Println("restored")
		select {}
	}})
	return err
}

// kill has a child restore to path, and kills it.
func kill(t *testing.T, path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childPath+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "restored", strings.TrimSpace(line))

	if runtime.GOOS != "windows" { // a running restore's temporary is not swept
		h, c := small(t)
		before := leftovers(t, path)
		require.Len(t, before, 1)
		_, err = restore.Run(t.Context(), c, path, restore.Config{Overwrite: true})
		require.NoError(t, err)
		requireDatabase(t, h, 9, path)
		require.Equal(t, before, leftovers(t, path))
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	require.Len(t, leftovers(t, path), 1)
}

func leftovers(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.restore"))
	require.NoError(t, err)
	return found
}

func TestKilledRestoreIsSwept(t *testing.T) {
	h, c := small(t)
	path := filepath.Join(t.TempDir(), "db")
	kill(t, path)
	_, err := restore.Run(t.Context(), c, path, restore.Config{})
	require.ErrorIs(t, err, fs.ErrExist)
	assert.Empty(t, leftovers(t, path), "also by a restore that is refused")

	kill(t, path)
	_, err = restore.Run(t.Context(), c, path, restore.Config{Overwrite: true})
	require.NoError(t, err)
	requireDatabase(t, h, 9, path)
	nothingBut(t, filepath.Dir(path), "db")
}

// A name as long as the file system and SQLite's suffixes allow.
func TestLongNames(t *testing.T) {
	h, c := small(t)
	for _, n := range []int{80, 81, 200, 240, 247} {
		dir := t.TempDir()
		name := strings.Repeat("d", n)
		path := filepath.Join(dir, name)
		for range 2 {
			_, err := restore.Run(t.Context(), c, path, restore.Config{Overwrite: true, Check: func(_ context.Context, temp string) error {
				return os.WriteFile(temp+"-journal", nil, 0o600)
			}})
			require.NoError(t, err, "%d bytes", n)
			requireDatabase(t, h, 9, path)
			nothingBut(t, dir, name)
			for _, suffix := range []string{"-wal", "-shm", "-journal"} {
				require.NoError(t, os.WriteFile(path+suffix, []byte("old"), 0o600))
			}
		}
	}
}

// The new database has the old one's mode and owner; Mode is stronger.
func TestModeAndOwner(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has neither modes nor owners of this kind")
	}
	_, c := small(t)
	path := filepath.Join(t.TempDir(), "db")
	restored := func(cfg restore.Config) fs.FileMode {
		t.Helper()
		_, err := restore.Run(t.Context(), c, path, cfg)
		require.NoError(t, err)
		stat, err := os.Stat(path)
		require.NoError(t, err)
		return stat.Mode()
	}
	assert.Equal(t, fs.FileMode(0o644), restored(restore.Config{Overwrite: true}), "there is no old one")
	require.NoError(t, os.Chmod(path, 0o660))
	assert.Equal(t, fs.FileMode(0o660), restored(restore.Config{Overwrite: true}))
	assert.Equal(t, fs.FileMode(0o604), restored(restore.Config{Overwrite: true, Mode: 0o604}))
}
