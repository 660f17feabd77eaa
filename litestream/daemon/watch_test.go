package daemon

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A directory's databases each have a replica below the directory's; those that
// appear are added, and those that disappear are removed.
func TestDirectory(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.MkdirAll(g.path("d/sub"), 0o755))
	g.exec("d/a.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	g.exec("d/sub/b.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)`)
	g.exec("d/other.sqlite", `CREATE TABLE t (x)`)
	require.NoError(t, os.WriteFile(g.path("d/text.db"), []byte("this is a text, as long as a header"), 0o644))
	d := g.open(`dbs: [{dir: $DIR/d, pattern: "*.db", recursive: true, watch: true, replica: {path: $DIR/r}}]`)
	paths := func() (found []string) {
		for _, db := range d.Status().Databases {
			found = append(found, db.Path)
		}
		return found
	}
	assert.Equal(t, []string{g.path("d/a.db"), g.path("d/sub/b.db")}, paths())

	g.exec("d/c.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)`)
	d.lookThrough(t.Context())
	assert.Equal(t, []string{g.path("d/a.db"), g.path("d/c.db"), g.path("d/sub/b.db")}, paths())
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")

	for _, name := range mustGlob(t, g.path("d/a.db*")) {
		require.NoError(t, os.Remove(name))
	}
	d.lookThrough(t.Context())
	assert.Equal(t, []string{g.path("d/c.db"), g.path("d/sub/b.db")}, paths())
	assert.FileExists(t, g.path("r/a.db/ltx/0/0000000000000001-0000000000000001.ltx"), "the replica stays")
	require.NoError(t, d.Close(t.Context()))
	for rel, want := range map[string]int{"a.db": 1, "sub/b.db": 2, "c.db": 3} {
		assert.Equal(t, want, g.restored("file://"+g.path("r/"+rel)+"?layout=litestream"), rel)
	}
}

func TestDirectoryIsNotRecursive(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.MkdirAll(g.path("d/sub"), 0o755))
	g.exec("d/a.db", `CREATE TABLE t (x)`)
	g.exec("d/sub/b.db", `CREATE TABLE t (x)`)
	cfg := g.parse(`dbs: [{dir: $DIR/d, pattern: "*.db", meta-dir: $DIR/m, replica: {path: $DIR/r}}]`)
	found, err := cfg.databases(func(string) bool { return false })
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, g.path("d/a.db"), found[0].Path)
	assert.Equal(t, g.path("m/a.db-litestream"), found[0].MetaPath)
}

// A reload adds, removes and changes databases, and leaves the others alone.
func TestReload(t *testing.T) {
	g := newGround(t)
	for _, name := range []string{"a.db", "b.db", "c.db"} {
		g.exec(name, `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	}
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/ra}}, {path: $DIR/b.db, replica: {path: $DIR/rb}}]`)
	kept := d.database(g.path("a.db"))
	require.NoError(t, d.Reload(t.Context(), g.parse(`
snapshot: {interval: 1h}
dbs:
  - {path: $DIR/a.db, replica: {path: $DIR/ra}}
  - {path: $DIR/b.db, replica: {path: $DIR/rb2}}
  - {path: $DIR/c.db, replica: {path: $DIR/rc}}
`)))
	assert.Same(t, kept, d.database(g.path("a.db")))
	assert.Contains(t, g.log.String(), "restart to apply them")
	g.eventually(func() bool { return d.Status().Healthy && len(d.Status().Databases) == 3 }, "replicated")
	assert.Equal(t, 1, g.restored("file://"+g.path("rb2")+"?layout=litestream"))

	require.ErrorContains(t, d.Reload(t.Context(), g.parse(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r/b.db}}, {dir: $DIR, pattern: b.db, replica: {path: $DIR/r}}]`)), "the same replica")
	require.NoError(t, d.Reload(t.Context(), g.parse(`dbs: [{path: $DIR/c.db, replica: {path: $DIR/rc}}]`)))
	assert.Len(t, d.Status().Databases, 1)
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 1, g.restored("file://"+g.path("rc")+"?layout=litestream"))
}

// retry has what has failed tried again at once.
func (d *Daemon) retry(ctx context.Context) {
	d.mu.Lock()
	for path, failed := range d.failed {
		failed.tried = time.Time{}
		d.failed[path] = failed
	}
	d.mu.Unlock()
	d.lookThrough(ctx)
}

// A database that a reload could not add is no healthy one, and is tried again.
func TestReloadIsTriedAgain(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	changed := g.parse(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/new, must-exist: true}}]`)
	require.Error(t, d.Reload(t.Context(), changed))
	status := d.Status()
	assert.False(t, status.Healthy)
	require.Len(t, status.Databases, 1)
	assert.Equal(t, g.path("a.db"), status.Databases[0].Path)
	require.Len(t, status.Databases[0].Problems, 1)
	assert.Contains(t, status.Databases[0].Problems[0], "not replicated: ")
	assert.Contains(t, status.Databases[0].Problems[0], g.path("new"))
	assert.Contains(t, status.Databases[0].Replicas[0].Place, g.path("new"))
	code, body := get(t, d, "/health")
	assert.Equal(t, 503, code)
	contains(t, body, "not replicated: ")

	require.NoError(t, os.Mkdir(g.path("new"), 0o755))
	d.lookThrough(t.Context())
	assert.Len(t, d.failures(), 1, "not so soon")
	d.retry(t.Context())
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	assert.Len(t, d.Status().Databases, 1)
	assert.Equal(t, 1, strings.Count(g.log.String(), "msg=\"not replicated\""), "logged once")

	require.Error(t, d.Reload(t.Context(), g.parse(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/gone, must-exist: true}}]`)))
	require.NoError(t, d.Reload(t.Context(), changed))
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
}

// A database in a watched directory that cannot be replicated, and a directory that cannot
// be looked through, are told until they are mended or gone.
func TestWatchReportsFailures(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.Mkdir(g.path("d"), 0o755))
	d := g.open(`dbs: [{dir: $DIR/d, pattern: "*.db", watch: true, replica: {path: $DIR/r, must-exist: true}}]`)
	assert.True(t, d.Status().Healthy)
	g.exec("d/a.db", `CREATE TABLE t (x)`)
	d.lookThrough(t.Context())
	require.Len(t, d.Status().Databases, 1)
	assert.False(t, d.Status().Healthy)
	assert.Contains(t, d.Status().Databases[0].Problems[0], g.path("r/a.db"))
	for _, name := range mustGlob(t, g.path("d/a.db*")) {
		require.NoError(t, os.Remove(name))
	}
	d.lookThrough(t.Context())
	assert.Empty(t, d.Status().Databases)
	assert.True(t, d.Status().Healthy)

	require.NoError(t, os.RemoveAll(g.path("d"))) // with the engine's files
	d.lookThrough(t.Context())
	require.Len(t, d.Status().Databases, 1)
	assert.Equal(t, g.path("d"), d.Status().Databases[0].Path)
	require.NoError(t, os.Mkdir(g.path("d"), 0o755))
	d.lookThrough(t.Context())
	assert.Empty(t, d.Status().Databases)
}

// A reload that is waited for no longer changes nothing.
func TestReloadIsGivenUp(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]`)
	require.NoError(t, d.begin(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, d.Reload(ctx, g.parse(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/s}}]`)), context.Canceled)
	d.end()
	assert.Contains(t, d.Status().Databases[0].Replicas[0].Place, g.path("r"))
}

// A symbolic link is replicated as the file that it leads to, once.
func TestSymbolicLinks(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.Mkdir(g.path("d"), 0o755))
	g.exec("d/z.db", `CREATE TABLE t (x)`)
	g.exec("other.sqlite", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	require.NoError(t, os.Symlink("z.db", g.path("d/a.db")))
	require.NoError(t, os.Symlink("../other.sqlite", g.path("d/b.db")))
	require.NoError(t, os.Symlink("nowhere", g.path("d/c.db")))
	d := g.open(`dbs: [{dir: $DIR/d, pattern: "*.db", replica: {path: $DIR/r}}]`)
	g.exec("d/b.db", `INSERT INTO t VALUES (2)`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.Len(t, d.Status().Databases, 2)
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 2, g.restored("file://"+g.path("r/b.db")+"?layout=litestream"))
	assert.Equal(t, 0, g.restored("file://"+g.path("r/z.db")+"?layout=litestream"))

	d = g.open(`dbs: [{path: $DIR/d/b.db, replica: {path: $DIR/s}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 2, g.restored("file://"+g.path("s")+"?layout=litestream"))
	_, err := parse(t, strings.ReplaceAll(`dbs: [{path: $DIR/d/b.db, replica: {path: $DIR/s}}, {path: $DIR/other.sqlite, replica: {path: $DIR/u}}]`, "$DIR", g.dir))
	require.ErrorContains(t, err, "is configured twice")
	_, err = Open(t.Context(), g.parse(`dbs: [{dir: $DIR/d, pattern: b.db, replica: {path: $DIR/s}}, {path: $DIR/other.sqlite, replica: {path: $DIR/u}}]`), g.options())
	require.ErrorContains(t, err, "is configured twice")
}

// A database that is replaced by another file is replicated, and not the one that it was.
func TestDatabaseIsReplaced(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	g.exec("new.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	for _, name := range mustGlob(t, g.path("a.db-*")) {
		require.NoError(t, os.Remove(name))
	}
	require.NoError(t, os.Rename(g.path("new.db"), g.path("a.db")))
	d.lookThrough(t.Context())
	g.exec("a.db", `INSERT INTO t VALUES (4)`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	assert.Contains(t, g.log.String(), "was replaced")
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 4, g.restored("file://"+g.path("r")+"?layout=litestream"))

	// One that is not there at the start has no file that could be replaced.
	d = g.open(`dbs: [{path: $DIR/late.db, replica: {path: $DIR/s}}]`)
	d.lookThrough(t.Context())
	g.exec("late.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	d.lookThrough(t.Context())
	d.lookThrough(t.Context())
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 1, g.restored("file://"+g.path("s")+"?layout=litestream"))
	assert.Equal(t, 1, strings.Count(g.log.String(), "was replaced"))
}
