package restore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oldDatabase makes a database with what SQLite keeps beside it.
func oldDatabase(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "db")
	for _, suffix := range append([]string{""}, beside[:]...) {
		require.NoError(t, os.WriteFile(path+suffix, []byte("old"+suffix), 0o640))
	}
	return path
}

// ready returns an output that is about to be published.
func ready(t *testing.T, path string) *output {
	t.Helper()
	out := newOutput(path, Config{Overwrite: true})
	require.NoError(t, out.prepare())
	require.NoError(t, out.create())
	_, err := out.file.WriteString("new")
	require.NoError(t, err)
	require.NoError(t, out.sync())
	return out
}

func requireOld(t *testing.T, path string) {
	t.Helper()
	require.Equal(t, []string{"db", "db-journal", "db-shm", "db-wal"}, names(t, path))
	for _, suffix := range append([]string{""}, beside[:]...) {
		body, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.Equal(t, "old"+suffix, string(body))
	}
}

func requireNew(t *testing.T, path string) {
	t.Helper()
	require.Equal(t, []string{"db"}, names(t, path))
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "new", string(body))
}

func names(t *testing.T, path string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

// at returns a disk whose nth call fails with what fail returns.
func (d disk) at(n int, fail func() error) disk {
	count := func() error {
		if n--; n == 0 {
			return fail()
		}
		return nil
	}
	rename, remove, sync := d.rename, d.remove, d.syncDir
	d.rename = func(from, to string) error {
		if _, err := os.Lstat(from); err != nil {
			return err // no step: it changes nothing
		}
		if err := count(); err != nil {
			return err
		}
		return rename(from, to)
	}
	d.remove = func(name string) error {
		if err := count(); err != nil {
			return err
		}
		return remove(name)
	}
	d.syncDir = func(name string) error {
		if err := count(); err != nil {
			return err
		}
		return sync(name)
	}
	return d
}

// The steps of replacing a database with three files beside it: set aside each,
// fsync, rename, fsync, remove each.
const (
	stepsBefore = 5 // that fail with the old database there
	steps       = 9
)

// A step that fails leaves the old database and its log as they were, or the new
// one.
func TestReplaceFails(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.EBUSY} {
		for n := 1; n <= steps+1; n++ {
			path := oldDatabase(t)
			out := ready(t, path)
			out.disk = out.disk.at(n, func() error { return cause })
			err := out.publish()
			out.remove()
			switch {
			case n <= stepsBefore:
				require.ErrorIs(t, err, cause, "step %d", n)
				requireOld(t, path)
				if cause == syscall.EBUSY {
					assert.ErrorContains(t, err, "mount its directory instead")
				}
			case n == stepsBefore+1:
				require.ErrorIs(t, err, cause)
				require.NoError(t, sweep(path))
				requireNew(t, path)
			default:
				require.NoError(t, err, "the new database is durable")
				require.NoError(t, sweep(path))
				requireNew(t, path)
			}
		}
	}
}

type killed struct{}

// A process that dies before a step leaves what the next restore puts right: the
// old database with its log, or the new one without.
func TestReplaceKilled(t *testing.T) {
	for n := 1; n <= steps; n++ {
		path := oldDatabase(t)
		out := ready(t, path)
		out.disk = out.disk.at(n, func() error { panic(killed{}) })
		assert.PanicsWithValue(t, killed{}, func() { _ = out.publish() })
		out.file.Close() // as the kernel does, with the lock

		body, err := os.ReadFile(path)
		require.NoError(t, err, "a database is there at every moment")
		if string(body) == "new" {
			require.NoFileExists(t, path+"-wal", "the old log is never beside the new database")
		}
		require.NoError(t, sweep(path))
		if n <= stepsBefore {
			requireOld(t, path)
		} else {
			requireNew(t, path)
		}
	}
}

// A log that belongs to the database no more is kept, and not put beside it.
func TestKilledAndUsedSince(t *testing.T) {
	for name, use := range map[string]func(path string) error{
		"written": func(path string) error {
			later := time.Now().Add(time.Minute)
			return os.Chtimes(path, later, later)
		},
		"has a log": func(path string) error { return os.WriteFile(path+"-wal", []byte("later"), 0o600) },
		"removed":   os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			path := oldDatabase(t)
			out := ready(t, path)
			out.disk = out.disk.at(stepsBefore, func() error { panic(killed{}) })
			assert.PanicsWithValue(t, killed{}, func() { _ = out.publish() })
			out.file.Close()
			require.NoError(t, use(path))
			before, _ := os.ReadFile(path + "-wal")
			require.NoError(t, sweep(path))
			after, _ := os.ReadFile(path + "-wal")
			assert.Equal(t, before, after)
			kept, err := filepath.Glob(path + ".*.restore.kept-wal")
			require.NoError(t, err)
			require.Len(t, kept, 1)
			body, err := os.ReadFile(kept[0])
			require.NoError(t, err)
			assert.Equal(t, "old-wal", string(body), "no committed transaction is lost")
			require.NoError(t, sweep(path))
			assert.FileExists(t, kept[0])
		})
	}
}

// If the log cannot be put back either, the error tells where it is, and it is
// still there after the next restore.
func TestPutBackFails(t *testing.T) {
	path := oldDatabase(t)
	out := ready(t, path)
	rename := out.disk.rename
	out.disk.rename = func(from, to string) error {
		if to == path || strings.Contains(from, asideInfix) {
			return syscall.EIO
		}
		return rename(from, to)
	}
	err := out.publish()
	out.remove()
	require.ErrorIs(t, err, syscall.EIO)
	require.ErrorContains(t, err, ".restore.old-wal is part of the old database and could not be put back: rename it to "+path+"-wal")
	require.NoError(t, sweep(path))
	requireOld(t, path)
}

// A file system without links gets a rename.
func TestLinkUnsupported(t *testing.T) {
	for _, cause := range []error{errors.ErrUnsupported, syscall.EPERM} {
		path := filepath.Join(t.TempDir(), "db")
		out := ready(t, path)
		out.overwrite = false
		out.disk.link = func(string, string) error { return cause }
		require.NoError(t, out.publish())
		out.remove()
		requireNew(t, path)
	}
	path := filepath.Join(t.TempDir(), "db")
	out := ready(t, path)
	out.overwrite = false
	out.disk.link = func(string, string) error { return syscall.EIO }
	require.ErrorIs(t, out.publish(), syscall.EIO)
	out.disk.link = func(string, string) error { return errors.ErrUnsupported }
	out.disk.rename = func(string, string) error { return syscall.EDQUOT }
	require.ErrorIs(t, out.publish(), syscall.EDQUOT)
	out.remove()
	assert.Empty(t, names(t, path))
}

// What a killed restore set aside is not given up silently if it cannot be put back.
func TestPutBackOfTheKilledFails(t *testing.T) {
	for name, tt := range map[string]struct {
		temp, path string
		obstacle   string // a directory
		want       error
	}{
		"the files set aside": {"file/temp", "db", "", syscall.ENOTDIR},
		"the database":        {"temp", "file/db", "", syscall.ENOTDIR},
		"its log":             {"temp", strings.Repeat("d", 252), "", syscall.ENAMETOOLONG},
		"the name":            {"temp", "missing", "temp.kept-wal/x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			temp, path := filepath.Join(dir, tt.temp), filepath.Join(dir, tt.path)
			for _, file := range []string{filepath.Join(dir, "file"), filepath.Join(dir, strings.Repeat("d", 252)), filepath.Join(dir, "temp"), asideName(filepath.Join(dir, "temp"), "-wal")} {
				require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
			}
			if tt.obstacle != "" {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, tt.obstacle), 0o700))
			}
			written, err := os.Stat(filepath.Join(dir, "temp"))
			require.NoError(t, err)
			err = recoverAsides(temp, written, path)
			require.Error(t, err)
			if tt.obstacle == "" { // systems differ about a directory in the way
				require.ErrorIs(t, err, tt.want)
			}
			require.FileExists(t, asideName(filepath.Join(dir, "temp"), "-wal"))
		})
	}
	require.ErrorIs(t, syncDir(filepath.Join(t.TempDir(), "missing")), fs.ErrNotExist)
	for _, refused := range []error{nil, syscall.EINVAL, syscall.EBADF, syscall.ENOTTY, syscall.ENOTSUP} {
		require.NoError(t, unlessRefused(refused))
	}
	require.ErrorIs(t, unlessRefused(syscall.EIO), syscall.EIO)
}

func TestParseLeftover(t *testing.T) {
	const digits = "0123456789abcdef"
	for name, rest := range map[string]string{
		"db." + digits + ".restore":             "",
		"a.b.restore." + digits + ".restore":    "",
		"d." + digits + ".restore":              "",
		"db." + digits + ".restore-wal":         "-wal",
		"db." + digits + ".restore-journal":     "-journal",
		"db." + digits + ".restore.old-shm":     ".old-shm",
		"db." + digits + ".restore.old-journal": ".old-journal",
	} {
		l, ok := parseLeftover(name)
		require.True(t, ok, name)
		assert.Equal(t, rest, l.rest, name)
		assert.Equal(t, strings.TrimSuffix(name, rest), l.temp)
		assert.Equal(t, name[:strings.Index(name, "."+digits)], l.stem)
	}
	for _, name := range []string{
		"db", ".restore", "db.restore", "db.20260131.restore", "db." + digits + ".restore.old", "db." + digits + ".restore.kept-wal",
		"db.0123456789ABCDEF.restore", "db.0123456789abcdeg.restore", "db-" + digits + ".restore", "." + digits + ".restore",
		digits + ".restore", "db." + digits + ".restore.bak", "db." + digits + ".restored",
	} {
		_, ok := parseLeftover(name)
		assert.False(t, ok, name)
	}
}

// What a restore has left is removed: this database's at once, another's when it
// is old. What is locked, or is not a restore's, stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	make := func(name string, age time.Duration) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
		at := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), at, at))
	}
	const a, b = ".0000000000000001.restore", ".0000000000000002.restore"
	make("db"+a, time.Second)
	make("db"+a+"-journal", time.Second)
	make("db"+b+".old-wal", time.Second) // of a database that was replaced
	make("other"+a, time.Hour)
	make("other"+b, 25*time.Hour)
	make("other"+b+"-wal", 25*time.Hour)
	make("other"+b+"-shm", time.Hour)
	make("db.20260131.restore", 100*time.Hour)
	make("db.restore", 100*time.Hour)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "db.0000000000000003.restore"), 0o700))
	live, liveName, err := createTemp(path, tryLock)
	require.NoError(t, err)
	defer live.Close()
	old := time.Now().Add(-100 * time.Hour)
	require.NoError(t, os.Chtimes(liveName, old, old))
	require.NoError(t, os.WriteFile(liveName+".old-wal", nil, 0o600))

	require.NoError(t, sweep(path))
	want := []string{filepath.Base(liveName), filepath.Base(liveName) + ".old-wal", "db.0000000000000003.restore",
		"db.20260131.restore", "db.restore", "other" + a, "other" + b + "-shm"}
	assert.ElementsMatch(t, want, names(t, path))

	live.Close()
	require.NoError(t, sweep(path))
	assert.NotContains(t, names(t, path), filepath.Base(liveName), "its process is gone")
}

// Another database's log is put back too, where its name is known.
func TestSweepOfAnotherDatabase(t *testing.T) {
	path := oldDatabase(t)
	out := ready(t, path)
	out.disk = out.disk.at(stepsBefore, func() error { panic(killed{}) })
	assert.PanicsWithValue(t, killed{}, func() { _ = out.publish() })
	out.file.Close()
	temp := out.temp
	old := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{temp, path} {
		require.NoError(t, os.Chtimes(name, old, old))
	}
	require.NoError(t, sweep(filepath.Join(filepath.Dir(path), "another")))
	requireOld(t, path)
}

func TestStem(t *testing.T) {
	for n := 1; n <= 255; n++ {
		for _, letter := range []string{"a", "ä", "日", "😀"} {
			base := strings.Repeat(letter, n)
			stem := stemOf("/x/" + base)
			assert.LessOrEqual(t, len(stem), maxStem)
			if len(base) <= maxStem {
				assert.Equal(t, base, stem)
			} else {
				assert.NotEqual(t, stem, stemOf("/x/"+base+"b"), "each name has its own")
				assert.Equal(t, strings.ToValidUTF8(stem, "?"), stem)
			}
		}
	}
}

// A name is a file's own only as long as no other has it.
func TestStillAt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	file, err := os.Create(name)
	require.NoError(t, err)
	assert.True(t, stillAt(file, name))
	require.NoError(t, os.Rename(name, name+"2"))
	assert.False(t, stillAt(file, name))
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	assert.False(t, stillAt(file, name))
	require.NoError(t, file.Close())
	assert.False(t, stillAt(file, name))
}
