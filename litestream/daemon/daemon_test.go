package daemon

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was committed before the end is in the replica, also what the engine has
// not looked at yet.
func TestCloseReplicatesTheRest(t *testing.T) {
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	d := g.open(`dbs: [{path: $DIR/app.db, replica: {path: $DIR/r}}]`)
	require.NoError(t, d.Close(t.Context()), g.log)
	assert.Equal(t, 1, g.restored("file://"+g.path("r")+"?layout=litestream"))

	d = g.open(`dbs: [{path: $DIR/app.db, replica: {path: $DIR/r}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	g.exec("app.db", `INSERT INTO t VALUES (2)`)
	require.NoError(t, d.Close(t.Context()), g.log)
	assert.Equal(t, 2, g.restored("file://"+g.path("r")+"?layout=litestream"))
}

// Several replicas, each as it is configured: encrypted, compressed, throttled.
func TestSeveralReplicas(t *testing.T) {
	const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)`)
	d := g.open(`
dbs:
  - path: $DIR/app.db
    replicas:
      - {path: $DIR/plain}
      - {path: $DIR/packed, compress: true, throttle: {upload: 10MiB}}
      - {path: $DIR/sealed, age: {recipients: [` + recipient + `]}}
`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 3, g.restored("file://"+g.path("plain")+"?layout=litestream"))
	assert.Equal(t, 3, g.restored("file://"+g.path("packed")+"?layout=litestream&compress=true"))
	for name, magic := range map[string]string{"plain": "LTX", "packed": "P*M\x18", "sealed": "age-encryption.org"} {
		found, err := filepath.Glob(g.path(name) + "/ltx/0/*.ltx")
		require.NoError(t, err)
		require.NotEmpty(t, found, name)
		content, err := os.ReadFile(found[0])
		require.NoError(t, err)
		assert.Equal(t, magic, string(content[:len(magic)]), name)
	}
}

func TestOnce(t *testing.T) {
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	cfg := g.parse(`dbs: [{path: $DIR/app.db, replica: {path: $DIR/r}}]`)
	opts := g.options()
	opts.Once = true
	d, err := Open(t.Context(), cfg, opts)
	require.NoError(t, err)
	assert.Empty(t, mustGlob(t, g.path("r/ltx/*/*")), "nothing by itself")
	require.NoError(t, d.Sync(t.Context()))
	assert.Len(t, mustGlob(t, g.path("r/ltx/0/*.ltx")), 1)
	require.NoError(t, d.Snapshot(t.Context()))
	assert.Len(t, mustGlob(t, g.path("r/ltx/9/*.ltx")), 1)
	require.NoError(t, d.EnforceRetention(t.Context()))
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 1, g.restored("file://"+g.path("r")+"?layout=litestream"))

	cfg.DBs[0].Path = g.path("missing.db")
	d, err = Open(t.Context(), cfg, opts)
	require.NoError(t, err)
	require.ErrorContains(t, d.Sync(t.Context()), "missing.db: it does not exist")
	require.NoError(t, d.Close(t.Context()))
}

func mustGlob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	require.NoError(t, err)
	return found
}

func TestRestoresWhatDoesNotExist(t *testing.T) {
	const yaml = `dbs: [{path: $DIR/app.db, restore-if-db-not-exists: true, replica: {path: $DIR/r}}]`
	g := newGround(t)
	d := g.open(yaml)
	assert.NoFileExists(t, g.path("app.db"), "a first start")
	g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.NoError(t, d.Close(t.Context()))

	for _, name := range mustGlob(t, g.path("*app.db*")) {
		require.NoError(t, os.RemoveAll(name))
	}
	require.NoError(t, os.RemoveAll(g.path(".app.db-litestream")))
	d = g.open(yaml)
	assert.Equal(t, 2, g.rows("app.db"))
	g.exec("app.db", `INSERT INTO t VALUES (3)`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 3, g.restored("file://"+g.path("r")+"?layout=litestream"))
}

// What would damage a replica, or cannot work, is an error of Open, which leaves
// nothing open.
func TestOpenRefuses(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	g.exec("b.db", `CREATE TABLE t (x)`)
	require.NoError(t, os.Mkdir(g.path("empty"), 0o755))
	require.NoError(t, os.Symlink(".", g.path("link")))
	for yaml, says := range map[string]string{
		`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r/b.db}}, {dir: $DIR, pattern: "b.db", replica: {url: "file://$DIR/link/r"}}]`: "have the same replica",
		`dbs: [{path: $DIR/a.db, replica: {path: $DIR/none, must-exist: true}}]`:                                                     "none",
		`dbs: [{dir: $DIR/empty, pattern: "*.db", replica: {path: $DIR/r}}]`:                                                         `no database matches "*.db"`,
		`dbs: [{dir: $DIR/missing, pattern: "*.db", replica: {path: $DIR/r}}]`:                                                       "missing",
		`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}, {dir: $DIR, pattern: "*.db", replica: {path: $DIR/s}}]`:                   "a.db is configured twice",
		`{addr: "256.0.0.1:1", dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]}`:                                                   "addr",
		`{socket: {enabled: true, path: $DIR/a.db}, dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]}`:                              "socket",
	} {
		_, err := Open(t.Context(), g.parse(yaml), g.options())
		if assert.Error(t, err, yaml) {
			assert.Contains(t, err.Error(), says, yaml)
		}
		assert.NoDirExists(t, g.path("r"), "%s: nothing is replicated", yaml)
	}
}

func TestCloseGivesUp(t *testing.T) {
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x)`)
	cfg := g.parse(`dbs: [{path: $DIR/app.db, replica: {path: $DIR/r, must-exist: true}}]`)
	require.NoError(t, os.Mkdir(g.path("r"), 0o755))
	opts := g.options()
	done := make(chan struct{})
	opts.Done = done
	d, err := Open(t.Context(), cfg, opts)
	require.NoError(t, err)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	g.vanish("r")
	g.exec("app.db", `INSERT INTO t VALUES (1)`)
	close(done)
	require.ErrorContains(t, d.Close(context.Background()), "last sync")
}

// A database of which there is only what v0.3 wrote is restored from that, and
// replicated as LTX files from then on.
func TestRestoresV03(t *testing.T) {
	g := newGround(t)
	g.putV03("r", sealNothing)
	d := g.open(`dbs: [{path: $DIR/app.db, restore-if-db-not-exists: true, replica: {path: $DIR/r}}]`)
	assert.Equal(t, 2, g.rows("app.db"))
	assert.Contains(t, g.log.String(), "Litestream v0.3")
	require.NoError(t, d.Close(t.Context()))
	assert.Equal(t, 2, g.restored("file://"+g.path("r")+"?layout=litestream"))
}

type nothingToClose struct{ io.Writer }

func (nothingToClose) Close() error { return nil }

func sealNothing(w io.Writer) (io.WriteCloser, error) { return nothingToClose{w}, nil }

// putV03 makes a replica of v0.3 of a database with two rows, in what seal makes of it.
func (g *ground) putV03(replica string, seal func(io.Writer) (io.WriteCloser, error)) {
	g.t.Helper()
	db, err := sql.Open("sqlite", g.path("old.db"))
	require.NoError(g.t, err)
	_, err = db.Exec(`CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)`)
	require.NoError(g.t, errors.Join(err, db.Close()))
	content, err := os.ReadFile(g.path("old.db"))
	require.NoError(g.t, err)
	var b bytes.Buffer
	sealed, err := seal(&b)
	require.NoError(g.t, err)
	w := lz4.NewWriter(sealed)
	_, err = w.Write(content)
	require.NoError(g.t, errors.Join(err, w.Close(), sealed.Close()))
	name := g.path(replica + "/generations/00000000000000ab/snapshots/00000000.snapshot.lz4")
	require.NoError(g.t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(g.t, os.WriteFile(name, b.Bytes(), 0o644))
}

// What v0.3 has encrypted is restored with the identities. Without them the daemon must not
// begin a new database, as if there were nothing.
func TestRestoresEncryptedV03(t *testing.T) {
	g := newGround(t)
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	g.putV03("r", func(w io.Writer) (io.WriteCloser, error) { return age.Encrypt(w, id.Recipient()) })
	const yaml = `dbs: [{path: $DIR/app.db, restore-if-db-not-exists: true, replica: {path: $DIR/r, `
	for _, settings := range []string{"", "age: {recipients: [" + id.Recipient().String() + "]}"} {
		_, err := Open(t.Context(), g.parse(yaml+settings+"}}]"), g.options())
		require.ErrorContains(t, err, "crypt.identities", settings)
		assert.NoFileExists(t, g.path("app.db"))
	}
	d := g.open(yaml + "age: {identities: [" + id.String() + "], recipients: [" + id.Recipient().String() + "]}}}]")
	assert.Equal(t, 2, g.rows("app.db"))
	require.NoError(t, d.Close(t.Context()))
}

// A start that fails leaves no socket behind.
func TestOpenClosesTheSocket(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	_, err := Open(t.Context(), g.parse(`{addr: "256.0.0.1:1", socket: {enabled: true, path: $DIR/s}, dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]}`), g.options())
	require.ErrorContains(t, err, "addr")
	_, err = net.Dial("unix", g.path("s"))
	require.Error(t, err)
}

// Two daemons on one database would each replicate a part of it.
func TestOneDaemonForADatabase(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]`)
	other := g.parse(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/s}}]`)
	_, err := Open(t.Context(), other, g.options())
	require.ErrorContains(t, err, "another process replicates the database")
	require.NoError(t, d.Reload(t.Context(), other), "one's own lock is no hindrance")
	require.NoError(t, d.Close(t.Context()))
	d = g.open(`dbs: [{path: $DIR/a.db, meta-path: $DIR/m/deep, replica: {path: $DIR/s}}]`)
	require.NoError(t, d.Close(t.Context()))
	_, err = Open(t.Context(), g.parse(`dbs: [{path: $DIR/a.db, meta-path: $DIR/m, replica: {path: $DIR/s}}, {path: $DIR/b.db, meta-path: $DIR/m, replica: {path: $DIR/r}}]`), g.options())
	require.ErrorContains(t, err, "another database uses this folder")
}
