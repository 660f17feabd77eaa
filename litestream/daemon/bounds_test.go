package daemon

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// The least and the greatest value of a setting are values of it.
func TestBounds(t *testing.T) {
	of := func(setting string) string { return "dbs: [{path: /app.db, " + setting + ", replica: {path: /r}}]" }
	cfg, err := parse(t, "socket: {permissions: 0o777}\n"+of("min-checkpoint-page-count: 1, truncate-page-n: 0"))
	require.NoError(t, err)
	assert.EqualValues(t, 0o777, cfg.Socket.Permissions)
	assert.Equal(t, 1, cfg.DBs[0].MinCheckpointPages)
	assert.Equal(t, 0, cfg.DBs[0].TruncatePages)
	_, err = parse(t, "socket: {permissions: 0o1000}\n"+of("busy-timeout: 1s"))
	require.ErrorContains(t, err, "permissions")
}

// A directory's databases have their files where Litestream has them.
func TestMetaPath(t *testing.T) {
	for want, db := range map[string]DB{
		"":                        {},
		"/m/sub/a.db-litestream":  {MetaDir: "/m"},
		"/p/sub/.a.db-litestream": {MetaPath: "/p"},
	} {
		assert.Equal(t, want, db.metaPath("sub/a.db"))
	}
}

// Other levels keep their names.
func TestLogLevelNames(t *testing.T) {
	var b bytes.Buffer
	logger := Log{Level: "trace"}.logger(&b)
	logger.Info("x", "n", -8, "level of another", slog.LevelWarn)
	logger.Log(t.Context(), levelTrace, "y")
	assert.Contains(t, b.String(), "level=INFO msg=x n=-8 \"level of another\"=WARN")
	assert.Contains(t, b.String(), "level=TRACE msg=y")
}

// A window is found out again when it is old, or when there was nothing.
func TestStaleWindow(t *testing.T) {
	now := time.Now()
	for _, tc := range []struct {
		window Window
		want   bool
	}{
		{Window{}, true},
		{Window{At: now, TXID: 1}, false},
		{Window{At: now}, true},
		{Window{At: now, Failure: "x"}, false},
		{Window{At: now.Add(-2 * windowAge), TXID: 1}, true},
		{Window{At: now.Add(-2 * windowAge), Failure: "x"}, true},
	} {
		assert.Equal(t, tc.want, tc.window.stale(), "%+v", tc.window)
	}
}

// Operations are counted unless the replica's settings say something about that.
func TestCounted(t *testing.T) {
	for _, src := range []ltxstore.Source{
		{URL: "file:///r?metrics=false"},
		{Type: "file", Settings: map[string]string{"metrics": "false"}},
		{Type: "file", Settings: map[string]string{"a": "b", "metrics.enabled": "false", "z": "y"}},
		{Type: "file", Defaults: map[string]string{"metrics": "false", "z": "y"}},
	} {
		assert.Equal(t, src, counted(src))
	}
	given := map[string]string{"path": "/r"}
	assert.Equal(t, map[string]string{"path": "/r", "metrics": "true"}, counted(ltxstore.Source{Type: "file", Settings: given}).Settings)
	assert.Len(t, given, 1, "it is another's")
	assert.Equal(t, "true", counted(ltxstore.Source{URL: "file:///r"}).Settings["metrics"])
}

// Databases whose check is not due are passed over, and not those after them.
func TestValidateSkips(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	g.exec("b.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/a.db, replica: {path: $DIR/ra}}, {path: $DIR/b.db, replica: {path: $DIR/rb}}]`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	d.database(g.path("a.db")).check.OK = true
	d.validateIf(t.Context(), func(last Check) bool { return !last.OK })
	assert.Zero(t, d.Status().Databases[0].Check.At)
	assert.NotZero(t, d.Status().Databases[1].Check.At)
}

// Only a check that was sound has a time.
func TestValidationMetrics(t *testing.T) {
	m, err := newValidationMetrics()
	require.NoError(t, err)
	at := func(path string) float64 {
		var metric dto.Metric
		require.NoError(t, m.time.WithLabelValues(path, "0").Write(&metric))
		return metric.GetGauge().GetValue()
	}
	m.note("TestValidationMetrics/failed", 0, errInvalid)
	assert.Zero(t, at("TestValidationMetrics/failed"))
	m.note("TestValidationMetrics/sound", 0, nil)
	assert.NotZero(t, at("TestValidationMetrics/sound"))
}

// What cannot be locked or put anywhere is an error.
func TestDatabaseBelowAFile(t *testing.T) {
	g := newGround(t)
	g.exec("a.db", `CREATE TABLE t (x)`)
	for _, yaml := range []string{
		`dbs: [{path: $DIR/a.db/b.db, restore-if-db-not-exists: true, replica: {path: $DIR/r}}]`,
		`dbs: [{path: $DIR/a.db, meta-path: $DIR/a.db/meta, replica: {path: $DIR/r}}]`,
	} {
		_, err := Open(t.Context(), g.parse(yaml), g.options())
		require.ErrorContains(t, err, "not a directory", yaml)
	}
}
