package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
)

// Each of the settings of a dir is refused for a path, and what is wrong first does not hide
// what is wrong later.
func TestParseRefusesEach(t *testing.T) {
	for _, setting := range []string{`pattern: "*.db"`, "recursive: true", "watch: true", "meta-dir: /m"} {
		_, err := parse(t, "dbs: [{path: /a.db, "+setting+", replica: {path: /r}}]")
		assert.ErrorContains(t, err, "are settings of a dir", setting)
	}
	_, err := parse(t, "addr: '127.0.0.1:'\ndbs: [{path: /a.db, replica: {path: /r}}]")
	require.ErrorContains(t, err, "addr")
	_, err = parse(t, `dbs: [{dir: /d, pattern: "*.db", replica: {path: /d}}, {path: /a.db, replica: {path: /r}}, {path: /a.db, replica: {path: /s}}]`)
	require.ErrorContains(t, err, "/a.db is configured twice")

	err = table{"b": text(new(string))}.read([]config.Setting{{Key: "a"}, {Key: "b"}, {Key: "c"}})
	require.ErrorContains(t, err, "a: not supported by the daemon")
	require.ErrorContains(t, err, "c: not supported by the daemon")

	t.Setenv("HOME", "")
	for _, db := range []string{"{path: ~/a.db, replica: {path: /r}}", "{dir: ~/d, pattern: x, replica: {path: /r}}", "{path: /a.db, meta-path: '~', replica: {path: /r}}"} {
		_, err := parse(t, "dbs: ["+db+"]")
		assert.ErrorContains(t, err, "no home directory", db)
	}
}

// What happens exactly at a bound.
func TestDueExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		time.Sleep(windowAge)
		assert.True(t, Check{}.due(begun, windowAge))
		assert.False(t, Check{}.due(begun, windowAge+1))
		assert.False(t, Window{At: begun, TXID: 1}.stale())
		time.Sleep(time.Nanosecond)
		assert.True(t, Window{At: begun, TXID: 1}.stale())
	})
}

// Where the engine's files cannot be is told as it is found out, and nothing is replicated.
func TestMetaCannotBeMade(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	require.NoError(t, os.Symlink(g.path("none"), g.path("dangling")))
	for yaml, says := range map[string]string{
		`{path: $DIR/a.db/b.db, restore-if-db-not-exists: true, replica: {path: $DIR/r}}`:     "stat " + g.path("a.db/b.db") + ":",
		`{path: $DIR/dangling/b.db, restore-if-db-not-exists: true, replica: {path: $DIR/r}}`: "mkdir " + g.path("dangling") + ":",
		`{path: $DIR/a.db, meta-path: $DIR/a.db/meta, replica: {path: $DIR/r}}`:               "stat " + g.path("a.db/meta") + ":",
		`{path: $DIR/a.db, meta-path: $DIR/dangling/meta, replica: {path: $DIR/r}}`:           "mkdir " + g.path("dangling/meta") + ":",
		`{path: $DIR/a.db, meta-path: $DIR/dangling/x/meta, replica: {path: $DIR/r}}`:         "mkdir " + g.path("dangling/x") + ":",
	} {
		_, err := Open(t.Context(), g.parse(`dbs: [`+yaml+`]`), g.options())
		assert.ErrorContains(t, err, says, yaml)
	}
	assert.NoDirExists(t, g.path("r"))
}

// A database of a directory that cannot be replicated is an error, a folder below it that
// cannot be read is none.
func TestDirectoryFaults(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.MkdirAll(g.path("named"), 0o755))
	g.exec("a.db", `CREATE TABLE t (x)`)
	require.NoError(t, os.Rename(g.path("a.db"), g.path("named/a%b.db")))
	_, err := Open(t.Context(), g.parse(`dbs: [{dir: $DIR/named, pattern: "*.db", replica: {path: $DIR/r}}]`), g.options())
	require.ErrorContains(t, err, "names with ?, # or %")

	require.NoError(t, os.MkdirAll(g.path("tree/deep"), 0o755))
	g.exec("tree/z.db", `CREATE TABLE t (x)`)
	t.Chdir(g.path("tree/deep"))
	for range 30 { // so that its name is too long to read it
		name := strings.Repeat("x", 200)
		require.NoError(t, os.Mkdir(name, 0o755))
		require.NoError(t, os.Chdir(name))
	}
	found, err := DB{Dir: g.path("tree"), Pattern: "*.db", Recursive: true, Replicas: g.parse(`dbs: [{path: /a, replica: {path: $DIR/r}}]`).DBs[0].Replicas}.
		expand(func(string) bool { return false })
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, g.path("tree/z.db"), found[0].Path)
}

// Of several replicas, the first that has something of v0.3 counts; one that cannot be listed
// is not taken for empty.
func TestRestoresV03OfTheSecond(t *testing.T) {
	g := newGround(t)
	g.putV03("old", sealNothing)
	cfg := g.parse(`dbs: [{path: $DIR/app.db, restore-if-db-not-exists: true, replicas: [{path: $DIR/empty}, {path: $DIR/old}]}]`)
	opts := g.options()
	opts.Once = true
	d, err := Open(t.Context(), cfg, opts)
	require.NoError(t, err)
	assert.Equal(t, 2, g.rows("app.db"))
	db := d.databases()[0]
	assert.False(t, db.engine.Replica.MonitorEnabled, "the caller replicates it")
	require.NoError(t, d.Close(t.Context()))
	require.Error(t, db.close(), "it is closed")

	require.NoError(t, os.Mkdir(g.path("odd"), 0o755))
	require.NoError(t, os.WriteFile(g.path("odd/generations"), nil, 0o600))
	_, err = Open(t.Context(), g.parse(`dbs: [{path: $DIR/other.db, restore-if-db-not-exists: true, replicas: [{path: $DIR/odd}, {path: $DIR/empty}]}]`), g.options())
	require.ErrorContains(t, err, "restore from a replica of Litestream v0.3")
}

// A failure is not tried again soon, a database whose replica is another's is a failure, and
// a directory that is not watched does not hide one that is.
func TestLookThrough(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	require.NoError(t, os.Mkdir(g.path("dir"), 0o755))
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r/b.db}}, {dir: $DIR/dir, pattern: "*.db", watch: true, replica: {path: $DIR/r}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	g.exec("dir/b.db", `CREATE TABLE t (x)`)
	g.exec("dir/c.db", `CREATE TABLE t (x)`)
	d.lookThrough(t.Context())
	assert.True(t, d.has(g.path("dir/c.db")))
	require.Len(t, d.failures(), 1)
	failed := d.failures()[0]
	require.ErrorContains(t, failed.err, "have the same replica")
	d.lookThrough(t.Context())
	assert.Equal(t, failed.tried, d.failures()[0].tried)
	d.retry(t.Context())
	assert.Equal(t, 1, strings.Count(g.log.String(), `msg="not replicated"`), "logged once")

	require.Error(t, d.Reload(t.Context(), g.parse(`dbs: [{dir: $DIR/missing, pattern: "*.db", replica: {path: $DIR/r}}]`)))
	assert.True(t, d.has(g.path("a.db")), "as it was")
	require.ErrorContains(t, d.Reload(t.Context(), g.parse(`dbs: [{path: $DIR/c.db, meta-path: $DIR/a.db/meta, replica: {path: $DIR/rc}}]`)), "not a directory")
	assert.False(t, d.has(g.path("c.db")))
}

// The log says when a reload cannot apply a setting, and only then.
func TestReloadOfTheTopLevel(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	const dbs = "dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]"
	d := g.open("heartbeat-interval: 2m\n" + dbs)
	require.NoError(t, d.Reload(t.Context(), g.parse("heartbeat-interval: 2m\n"+dbs)))
	assert.NotContains(t, g.log.String(), "restart to apply")
	require.NoError(t, d.Reload(t.Context(), g.parse("heartbeat-interval: 3m\n"+dbs)))
	assert.Contains(t, g.log.String(), "restart to apply")
}

// A database that is not replicated any more has no metrics of checks.
func TestRemovedHasNoMetrics(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	d.Validate(t.Context())
	_, body := get(t, d, "/metrics")
	of := `{db="` + g.path("a.db") + `"`
	for _, name := range []string{"checks_total", "validation_success", "success_timestamp_seconds"} {
		contains(t, body, name+of)
	}
	require.NoError(t, d.Reload(t.Context(), g.parse(`{socket: {enabled: true}, dbs: []}`)))
	_, body = get(t, d, "/metrics")
	assert.NotContains(t, strings.Join(strings.Fields(body), "\n"), of)
}

// The socket tells the version of the program.
func TestSocketReturnsTheVersion(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	opts := g.options()
	opts.Version = "v1.2.3"
	dir, err := os.MkdirTemp("", "l") // a socket's path must be short
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	d, err := Open(t.Context(), g.parse(`{socket: {enabled: true, path: `+dir+`/s}, dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]}`), opts)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", dir+"/s")
	}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://socket/info")
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, errors.Join(err, answer.Body.Close()))
	assert.Contains(t, string(body), `"version":"v1.2.3"`)
	require.NoError(t, d.Close(t.Context()))
}

// A database that was registered over the socket does not disturb a stop.
func TestCloseWithARegisteredOne(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	d, err := Open(t.Context(), g.parse(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]`), g.options())
	require.NoError(t, err)
	other := engine.NewDB(g.path("other.db"))
	other.Replica = engine.NewReplicaWithClient(other, d.databases()[0].engine.Replica.Client)
	require.NoError(t, d.store.RegisterDB(other))
	assert.NoError(t, d.Close(t.Context()))
}

// A database that was never replicated has nothing that could be restored, which is no finding.
func TestValidateNothing(t *testing.T) {
	for _, read := range []string{"", ", read: true"} {
		g := newGround(t)
		d := g.open(`{validation: {interval: 24h` + read + `}, dbs: [{path: $DIR/none.db, replica: {path: $DIR/r}}]}`)
		d.Validate(t.Context())
		check := d.Status().Databases[0].Check
		assert.True(t, check.OK, check)

		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		d.refresh(cancelled)
		assert.Zero(t, d.Status().Databases[0].Window.At)
	}
}

// brokenLevel cannot list a level.
type brokenLevel struct {
	ltxstore.ReplicaClient
	level int
}

func (b brokenLevel) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if level == b.level {
		return nil, errors.New("level not listed")
	}
	return b.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
}

// A level that cannot be listed does not hide what is wrong with the files of another, and
// the oldest state is that of the first level that begins with the first transaction.
func TestReadIncomplete(t *testing.T) {
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x)`)
	d := g.open(`{levels: [{interval: 24h}], validation: {interval: 24h, read: true}, dbs: [{path: $DIR/app.db, replica: {path: $DIR/r}}]}`)
	g.eventually(func() bool { return len(mustGlob(t, g.path("r/ltx/9/*.ltx"))) == 1 }, "a snapshot")
	g.exec("app.db", `INSERT INTO t VALUES (1)`)
	g.eventually(func() bool { return len(mustGlob(t, g.path("r/ltx/0/*.ltx"))) == 2 }, "replicated")
	db := d.databases()[0]
	require.NoError(t, os.Remove(mustGlob(t, g.path("r/ltx/0/*.ltx"))[0]))
	window := findWindow(t.Context(), db.all)
	assert.NotZero(t, window.Oldest)
	assert.Empty(t, window.Failure)

	flip(t, mustGlob(t, g.path("r/ltx/0/*.ltx"))[0])
	var check Check
	broken := &observed{ReplicaClient: brokenLevel{db.all, ltxstore.SnapshotLevel}}
	d.read(t.Context(), db, broken, &check, make(levelResults))
	assert.True(t, check.unmade)
	findings := strings.Join(check.Findings, "\n")
	assert.Contains(t, findings, "level not listed")
	assert.Contains(t, findings, files)

	check = Check{}
	d.validateIf(t.Context(), func(Check) bool { return true })
	for _, finding := range d.Status().Databases[0].Check.Findings {
		assert.False(t, strings.HasPrefix(finding, "replica "), "there is only one: %s", finding)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	d.read(cancelled, db, db.each[0], &check, make(levelResults))
	assert.True(t, check.unmade)
	assert.NotEmpty(t, check.Findings)
}
