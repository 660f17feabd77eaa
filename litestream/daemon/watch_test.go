package daemon

import (
	"os"
	"testing"

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
	d.lookThrough(t.Context(), map[string]string{})
	assert.Equal(t, []string{g.path("d/a.db"), g.path("d/c.db"), g.path("d/sub/b.db")}, paths())
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")

	for _, name := range mustGlob(t, g.path("d/a.db*")) {
		require.NoError(t, os.Remove(name))
	}
	d.lookThrough(t.Context(), map[string]string{})
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

	require.ErrorContains(t, d.Reload(t.Context(), g.parse(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/ra}}, {path: $DIR/b.db, replica: {path: $DIR/ra}}]`)), "one replica")
	require.NoError(t, d.Reload(t.Context(), g.parse(`dbs: [{path: $DIR/c.db, replica: {path: $DIR/rc}}]`)))
	assert.Len(t, d.Status().Databases, 1)
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 1, g.restored("file://"+g.path("rc")+"?layout=litestream"))
}
