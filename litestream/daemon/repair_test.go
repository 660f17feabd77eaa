package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A file that only one of several replicas has got, before the process was killed for
// example, gets into the others; and so does everything into a new one.
func TestReplicasAreMadeEqual(t *testing.T) {
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	const two = `dbs: [{path: $DIR/app.db, replicas: [{path: $DIR/a}, {path: $DIR/b, compress: true}]}]`
	d := g.open(two)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	g.exec("app.db", `INSERT INTO t VALUES (2)`)
	db := d.databases()[0]
	require.NoError(t, db.repair(t.Context()))
	only := mustGlob(t, g.path("a/ltx/0/*.ltx"))[0]
	require.NoError(t, os.Remove(only))
	db.unequal.Store(true)
	require.NoError(t, db.repair(t.Context()))
	assert.FileExists(t, only, "the first gets what the second has")
	require.NoError(t, d.Close(t.Context()))
	files := mustGlob(t, g.path("b/ltx/0/*.ltx"))
	require.NotEmpty(t, files)
	require.NoError(t, os.Remove(files[len(files)-1]))

	d = g.open(`dbs: [{path: $DIR/app.db, replicas: [{path: $DIR/a}, {path: $DIR/b, compress: true}, {path: $DIR/new}]}]`)
	g.exec("app.db", `INSERT INTO t VALUES (3)`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.NoError(t, d.Close(t.Context()))
	for _, replica := range []string{"a?", "b?compress=true&", "new?"} {
		assert.Equal(t, 3, g.restored("file://"+g.path(replica)+"layout=litestream"), replica)
	}
	for _, replica := range []string{"b", "new"} {
		assert.Len(t, mustGlob(t, g.path(replica+"/ltx/*/*.ltx")), len(mustGlob(t, g.path("a/ltx/*/*.ltx"))))
	}
}

// Replicas that cannot be made equal are no healthy ones, until they can.
func TestReplicasAreNotEqual(t *testing.T) {
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	d := g.open(`dbs: [{path: $DIR/app.db, replicas: [{path: $DIR/a}, {path: $DIR/b}]}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	db := d.database(g.path("app.db"))
	require.NoError(t, db.repair(t.Context()))
	first := filepath.Join("ltx/0", filepath.Base(mustGlob(t, g.path("a/ltx/0/*.ltx"))[0]))
	whole, err := os.ReadFile(g.path("a/" + first))
	require.NoError(t, err)
	require.NoError(t, os.Remove(g.path("b/"+first)))
	flip(t, g.path("a/"+first))
	require.NoError(t, db.repair(t.Context()), "nothing has failed since")
	assert.NoFileExists(t, g.path("b/"+first))

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.each[1].WriteLTXFile(cancelled, 0, 7, 7, nil)
	require.Error(t, err, "which may mean that a file is missing there")
	require.Error(t, db.repair(t.Context()))
	require.Error(t, db.repair(t.Context()), "until it succeeds")
	assert.False(t, d.Status().Healthy)
	d.repairAll(cancelled)
	assert.NotContains(t, g.log.String(), "replicas are not equal")
	d.repairAll(t.Context())
	assert.Contains(t, g.log.String(), "replicas are not equal")
	contains(t, strings.Join(d.Status().Databases[0].Problems, "\n"), "lacks files of")
	require.NoError(t, os.WriteFile(g.path("a/"+first), whole, 0o600))
	require.NoError(t, db.repair(t.Context()))
	assert.FileExists(t, g.path("b/"+first))
	g.exec("app.db", `INSERT INTO t VALUES (2)`)
	g.eventually(func() bool { return d.Status().Healthy }, "equal")
}

// What one of several replicas lacks is found, and said of that one.
func TestValidateEachReplica(t *testing.T) {
	for _, read := range []string{"", ", read: true"} {
		g := newGround(t)
		g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
		d := g.open(`{levels: [{interval: 24h}], validation: {interval: 24h` + read + `}, dbs: [{path: $DIR/app.db, replicas: [{path: $DIR/a}, {path: $DIR/b}]}]}`)
		g.eventually(func() bool { return d.Status().Healthy }, "replicated")
		d.Validate(t.Context())
		assert.Empty(t, d.Status().Databases[0].Check.Findings)
		g.eventually(func() bool { return len(mustGlob(t, g.path("b/ltx/*/*.ltx"))) == 3 }, "levels 0, 1 and 9: nothing more is written")
		require.NoError(t, d.databases()[0].repair(t.Context()), "nothing more is copied")
		for _, name := range mustGlob(t, g.path("b/ltx/*/*.ltx")) {
			require.NoError(t, os.Remove(name))
		}
		d.Validate(t.Context())
		check := d.Status().Databases[0].Check
		require.NotEmpty(t, check.Findings)
		for _, finding := range check.Findings {
			contains(t, finding, g.path("b"))
		}
		require.NoError(t, d.Close(t.Context()))
	}
}
