package daemon

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/config"
)

// The page has the databases with problems first, and counts them.
func TestPageOrder(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	g.exec("c.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/ra}}, {path: $DIR/b.db, replica: {path: $DIR/rb}}, {path: $DIR/c.db, replica: {path: $DIR/rc}}]`)
	g.eventually(func() bool { return d.Status().problems() == 1 }, "the others are replicated")
	_, body := get(t, d, "/")
	text := visible(t, body)
	assert.Contains(t, text, "ltxstored: 1 of 3 databases with problems")
	a, b, c := strings.Index(text, "a.db healthy"), strings.Index(text, "b.db problems"), strings.Index(text, "c.db healthy")
	assert.True(t, 0 < b && b < a && a < c, "%d %d %d", a, b, c)

	assert.Equal(t, "never", shownTime(time.Time{}))
	assert.Equal(t, "2023-01-02 03:04:05 UTC", shownTime(time.Date(2023, 1, 2, 4, 4, 5, 0, time.FixedZone("", 3600))))
	assert.Equal(t, "never", ago(time.Time{}))
	assert.Equal(t, "1m0s ago", ago(time.Now().Add(-time.Minute)))
}

// A database is late after a minute, or three of its intervals.
func TestStatusLate(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	db := d.database(g.path("a.db"))
	last := db.engine.LastSuccessfulSyncAt()
	assert.True(t, db.status(last.Add(time.Minute)).Healthy)
	late := db.status(last.Add(time.Hour))
	require.Len(t, late.Problems, 1)
	assert.Contains(t, late.Problems[0], "not replicated for ")
	for _, of := range []DB{{Sync: Sync{Interval: time.Hour}}, {MonitorInterval: time.Hour}} {
		assert.Equal(t, 3*time.Hour, (&database{DB: of}).late())
	}
	assert.Equal(t, time.Minute, (&database{DB: DB{MonitorInterval: time.Second}}).late())
	require.NoError(t, db.engine.Close(t.Context()))
	assert.Contains(t, db.status(time.Now()).Problems, "replication is stopped")
}

// The engine's store has what the configuration says.
func TestStoreSettings(t *testing.T) {
	g := newGround(t)
	cfg := g.parse(`
levels: [{interval: 1m}, {interval: 10m}]
snapshot: {interval: 6h, retention: 12h}
l0-retention: 7m
l0-retention-check-interval: 8s
verify-compaction: true
retention: {enabled: false}
shutdown-sync-timeout: 9s
shutdown-sync-interval: 10ms
heartbeat-url: https://example.com
heartbeat-interval: 2m
dbs: [{path: $DIR/a.db, replica: {path: $DIR/r}}]
`)
	for _, once := range []bool{false, true} {
		opts := g.options()
		opts.Once = once
		s := cfg.store(nil, opts, opts.Logger)
		assert.Equal(t, []time.Duration{6 * time.Hour, 12 * time.Hour, 9 * time.Second, 10 * time.Millisecond},
			[]time.Duration{s.SnapshotInterval, s.SnapshotRetention, s.ShutdownSyncTimeout, s.ShutdownSyncInterval})
		assert.True(t, s.VerifyCompaction)
		assert.False(t, s.RetentionEnabled)
		assert.Equal(t, 7*time.Minute, s.L0Retention)
		assert.Equal(t, !once, s.CompactionMonitorEnabled)
		assert.Equal(t, !once, s.Heartbeat != nil)
		assert.Equal(t, map[bool]time.Duration{false: 8 * time.Second, true: 0}[once], s.L0RetentionCheckInterval)
	}
}

// Whatever changes in a database's settings, a reload notices, and nothing else.
func TestFingerprint(t *testing.T) {
	of := func(yaml string) any {
		cfg, err := Parse([]byte(yaml), config.Options{})
		require.NoError(t, err, yaml)
		return cfg.DBs[0].fingerprint()
	}
	const base = "dbs: [{path: /a, busy-timeout: 2s, replica: {url: 's3://b/p', region: x, storage-class: STANDARD}}]"
	seen := map[any]string{of(base): base}
	assert.Equal(t, of(base), of("addr: ':1'\n"+base))
	for _, yaml := range []string{
		strings.Replace(base, "2s", "3s", 1), strings.Replace(base, "b/p", "b/q", 1), strings.Replace(base, "region: x", "region: y", 1),
		"concurrency: 3\n" + base, strings.Replace(base, "/a", "/b", 1), strings.Replace(base, "STANDARD", "GLACIER_IR", 1),
		"dbs: [{path: /a, replicas: [{path: /r}, {path: /s}]}]", "dbs: [{path: /a, replicas: [{path: /s}, {path: /r}]}]",
		"dbs: [{path: /a, replica: {path: /q, mirror: [{path: /r}, {path: /s}]}}]",
		"dbs: [{path: /a, replica: {path: /q, mirror: [{path: /r}, {path: /t}]}}]",
		"dbs: [{path: /a, replica: {path: /q, mirror: {policy: best-effort, replicas: [{path: /r}, {path: /t}]}}}]",
	} {
		assert.NotContains(t, seen, of(yaml), yaml)
		seen[of(yaml)] = yaml
	}
}

// What the store refuses is an error of each command of -once, with the database.
func TestOnceFails(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	require.NoError(t, os.Mkdir(g.path("r"), 0o755))
	opts := g.options()
	opts.Once = true
	d, err := Open(t.Context(), g.parse(`{shutdown-sync-timeout: 0s, dbs: [{path: $DIR/a.db, replica: {path: $DIR/r, must-exist: true}}]}`), opts)
	require.NoError(t, err)
	require.NoError(t, d.Sync(t.Context()))
	g.vanish("r")
	g.exec("a.db", `INSERT INTO t VALUES (1)`)
	require.ErrorContains(t, d.Sync(t.Context()), "database "+g.path("a.db"))
	require.ErrorContains(t, d.Snapshot(t.Context()), "database "+g.path("a.db")+": snapshot: ")
	require.Error(t, d.Close(t.Context()))
}

// A check that a store did not answer was not made: it is made again.
func TestValidateWithoutAStore(t *testing.T) {
	for _, read := range []string{"", ", read: true"} {
		g := newGround(t)
		g.exec("a.db", `CREATE TABLE t (x)`)
		require.NoError(t, os.Mkdir(g.path("r"), 0o755))
		d := g.open(`{validation: {interval: 24h` + read + `}, shutdown-sync-timeout: 0s, dbs: [{path: $DIR/a.db, replica: {path: $DIR/r, must-exist: true}}]}`)
		g.eventually(func() bool { return d.Status().Healthy }, "replicated")
		g.vanish("r")
		d.Validate(t.Context())
		check := d.Status().Databases[0].Check
		assert.True(t, check.unmade)
		assert.False(t, check.OK)
		assert.Len(t, check.Findings, 1)
		require.NoError(t, os.Mkdir(g.path("r"), 0o755))

		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		d.Validate(cancelled)
		assert.Equal(t, check.At, d.Status().Databases[0].Check.At, "one that is given up is none")
	}
}

// What cannot be opened is told with its replica, and leaves nothing open.
func TestOpenReplicas(t *testing.T) {
	g := newGround(t)
	cfg := g.parse(`dbs: [{path: $DIR/a.db, replicas: [{path: $DIR/r}, {url: "sftp://u@h/x", key-path: $DIR/nokey, host-key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5Zp5bBiC0YhJX6P0uCvHgiCWfEJ7eGHRnQz4p9wH0R"}]}]`)
	_, err := Open(t.Context(), cfg, g.options())
	require.ErrorContains(t, err, "nokey")
	require.ErrorContains(t, err, g.path("a.db"))
	for level, stderr := range map[string]bool{"info": false, "error": true} {
		assert.NotNil(t, Log{Level: level, Stderr: stderr}.Logger())
	}
}
