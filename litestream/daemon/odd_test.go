//go:build unix

package daemon

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/config"
)

// What is not a file is not a database, and is not opened: a pipe would wait for a writer.
func TestPipesAndDirectories(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.Mkdir(g.path("d"), 0o755))
	require.NoError(t, os.Mkdir(g.path("d/c.db"), 0o755))
	g.exec("d/a.db", `CREATE TABLE t (x)`)
	require.NoError(t, syscall.Mkfifo(g.path("d/b.db"), 0o644))
	require.NoError(t, os.Symlink("b.db", g.path("d/link.db")))
	d := g.open(`dbs: [{dir: $DIR/d, pattern: "*.db", replica: {path: $DIR/r}}]`)
	require.Len(t, d.Status().Databases, 1)
	for name, says := range map[string]string{"d/b.db": "not a regular file", "d/link.db": "not a regular file", "d/c.db": "it is a directory"} {
		_, err := Open(t.Context(), g.parse(`dbs: [{path: $DIR/`+name+`, replica: {path: $DIR/s}}]`), g.options())
		require.ErrorContains(t, err, "database "+g.path(strings.Replace(name, "link", "b", 1))+": ")
		require.ErrorContains(t, err, says)
	}
}

// The status of a file that was not a database says so, until it is one.
func TestFileThatIsNotADatabase(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.WriteFile(g.path("a.db"), []byte(strings.Repeat("not a database ", 100)), 0o644))
	require.NoError(t, os.WriteFile(g.path("empty.db"), nil, 0o644))
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}, {path: $DIR/empty.db, replica: {path: $DIR/s}}]`)
	assert.Equal(t, []string{"not replicated since the start, when the file was not a SQLite database"}, d.Status().Databases[0].Problems)
	g.eventually(func() bool { return d.Status().Databases[1].Healthy }, "an empty file is an empty database")
	require.NoError(t, os.Remove(g.path("a.db")))
	g.exec("a.db", `CREATE TABLE t (x)`)
	d.lookThrough(t.Context())
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
}

// A directory may be a symbolic link.
func TestLinkedDirectory(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.MkdirAll(g.path("d/sub"), 0o755))
	g.exec("d/sub/a.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	require.NoError(t, os.Symlink("d", g.path("link")))
	d := g.open(`dbs: [{dir: $DIR/link, pattern: "*.db", recursive: true, watch: true, replica: {path: $DIR/r}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.Len(t, d.Status().Databases, 1)
	assert.Equal(t, g.path("link/sub/a.db"), d.Status().Databases[0].Path)
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 1, g.restored("file://"+g.path("r/sub/a.db")+"?layout=litestream"))
}

// A database in a watched directory that cannot be replicated does not keep others from it.
func TestNamesInAWatchedDirectory(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.Mkdir(g.path("d"), 0o755))
	const yaml = `dbs: [{dir: $DIR/d, pattern: "*.db", watch: true, replica: {path: $DIR/r}}]`
	d := g.open(yaml)
	for _, name := range []string{"a", "100", "c", "\xff"} {
		g.exec("d/"+name+".sqlite", `CREATE TABLE t (x)`)
		require.NoError(t, os.Rename(g.path("d/"+name+".sqlite"), g.path("d/"+strings.Replace(name, "100", "100%", 1)+".db")))
	}
	d.lookThrough(t.Context())
	g.eventually(func() bool { return d.has(g.path("d/a.db")) && d.has(g.path("d/c.db")) }, "added")
	problems := make(map[string]string)
	for _, db := range d.Status().Databases {
		problems[db.Path] = strings.Join(db.Problems, " ")
	}
	assert.Contains(t, problems[g.path("d/100%.db")], "cannot open names with ?, # or %")
	assert.Contains(t, problems[g.path("d/\xff.db")], "UTF-8")
	require.NoError(t, os.Remove(g.path("d/\xff.db")))
	_, err := Open(t.Context(), g.parse(yaml), g.options())
	require.ErrorContains(t, err, "database "+g.path("d/100%.db")+": ", "at the start everything must be right")
	require.NoError(t, os.Remove(g.path("d/100%.db")))
	d.lookThrough(t.Context())
	g.eventually(func() bool { return d.Status().Healthy }, "what is gone is no problem")
}

// A failure is over when what has failed succeeds: a database that is not written to would be
// unhealthy for days.
func TestFailureOfAnIdleDatabaseIsOver(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.Mkdir(g.path("r"), 0o755))
	g.exec("a.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {url: "file://$DIR/r", must-exist: true}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.NoError(t, os.Rename(g.path("r"), g.path("away")))
	d.Validate(t.Context())
	assert.False(t, d.Status().Healthy)
	require.NoError(t, os.Rename(g.path("away"), g.path("r")))
	db := d.database(g.path("a.db"))
	r, err := db.all.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.True(t, d.Status().Databases[0].Replicas[0].Failing(), "another operation says nothing")
	d.Validate(t.Context())
	assert.True(t, d.Status().Healthy)
	replica := d.Status().Databases[0].Replicas[0]
	assert.True(t, replica.Recovered)
	assert.NotEmpty(t, replica.LastFailure, "it is still told")
	require.NoError(t, os.Rename(g.path("r"), g.path("away")))
	d.Validate(t.Context())
	assert.False(t, d.Status().Healthy, "it fails again")
	require.NoError(t, os.Rename(g.path("away"), g.path("r")))
}

// A socket's path that is too long is told before the start.
func TestSocketPath(t *testing.T) {
	for n, ok := range map[int]bool{107: true, 108: false} {
		_, err := Parse([]byte("socket: {enabled: true, path: /"+strings.Repeat("x", n-1)+"}\ndbs: [{path: /a, replica: {path: /r}}]"), config.Options{})
		if ok {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "socket.path: it has 108 bytes: want at most 107")
		}
	}
}

// A path that contains the wrapper's name is no setting of it.
func TestCountedByPath(t *testing.T) {
	for url, want := range map[string]string{"s3://b/metrics/p": "true", "s3://metrics/p": "true", "s3://b/p?metrics=false": "", "s3://b/p?metrics.registry=x": ""} {
		src, err := Parse([]byte("dbs: [{path: /a, replica: {url: '"+strings.Split(url, "?")[0]+"', region: x}}]"), config.Options{})
		require.NoError(t, err)
		of := src.DBs[0].Replicas[0].Source()
		of.URL = url
		assert.Equal(t, want, counted(of).Settings["metrics"], url)
	}
}
