package daemon

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/config"
)

func parse(t *testing.T, yaml string) (*Config, error) {
	t.Helper()
	return Parse([]byte(yaml), config.Options{Getenv: func(key string) (string, bool) { return "/home/me", key == "HOME" }})
}

func TestParse(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	cfg, err := parse(t, `
addr: ":9090"
exec: app -serve
socket: {enabled: true, path: /run/l.sock, permissions: "0660"}
levels: [{interval: 1m}, {interval: 10m}]
snapshot: {interval: 6h}
l0-retention: 0s
l0-retention-check-interval: 30s
retention: {enabled: false}
verify-compaction: true
heartbeat-url: https://example.com/beat
heartbeat-interval: 2m
validation: {interval: 24h, read: true}
logging: {level: warning, type: json, stderr: true}
shutdown-timeout: 10s
shutdown-sync-timeout: 5s
shutdown-sync-interval: 100ms
sync-interval: 2s
dbs:
  - path: ~/app.db
    meta-path: ~/meta
    monitor-interval: 3s
    checkpoint-interval: 0s
    busy-timeout: 4s
    min-checkpoint-page-count: 7
    truncate-page-n: 8
    max-sync-wal-bytes: 9
    restore-if-db-not-exists: true
    snapshot: {retention: 48h}
    replicas:
      - path: /backups/app
      - url: s3://bucket/app
  - dir: /tenants
    pattern: "*.db"
    recursive: true
    watch: true
    meta-dir: /meta
    replica: {path: /backups/tenants, sync-interval: 5s, max-sync-ltx-files: 3, auto-recover: true}
`)
	require.NoError(t, err)
	cfg.settings = nil
	assert.Len(t, cfg.DBs[0].Replicas, 2)
	assert.Len(t, cfg.DBs[1].Replicas, 1)
	cfg.DBs[0].Replicas, cfg.DBs[1].Replicas = nil, nil
	second := defaultDB()
	second.Dir, second.Pattern, second.Recursive, second.Watch, second.MetaDir = "/tenants", "*.db", true, true, "/meta"
	second.Sync = Sync{Interval: 5 * time.Second, MaxFiles: 3, AutoRecover: true}
	assert.Equal(t, &Config{
		Addr: ":9090", Exec: "app -serve",
		Socket:           Socket{Enabled: true, Path: "/run/l.sock", Permissions: 0o660},
		Log:              Log{Level: "warn", Type: "json", Stderr: true},
		Levels:           []time.Duration{time.Minute, 10 * time.Minute},
		SnapshotInterval: 6 * time.Hour, SnapshotRetention: 48 * time.Hour,
		L0RetentionCheck: 30 * time.Second, VerifyCompaction: true,
		HeartbeatURL: "https://example.com/beat", HeartbeatInterval: 2 * time.Minute,
		ValidationInterval: 24 * time.Hour, ValidationRead: true,
		ShutdownTimeout: 10 * time.Second, ShutdownSyncTimeout: 5 * time.Second, ShutdownSyncInterval: 100 * time.Millisecond,
		DBs: []DB{{
			Path: "/home/me/app.db", MetaPath: "/home/me/meta",
			MonitorInterval: 3 * time.Second, BusyTimeout: 4 * time.Second,
			MinCheckpointPages: 7, TruncatePages: 8, MaxSyncWALBytes: 9, Restore: true,
			Sync: Sync{Interval: 2 * time.Second},
		}, second},
	}, cfg)
}

// What a file does not say is as in Litestream.
func TestParseDefaults(t *testing.T) {
	cfg, err := parse(t, "dbs: [{path: /app.db, replica: {path: /r}}]")
	require.NoError(t, err)
	assert.Equal(t, []time.Duration{30 * time.Second, 5 * time.Minute, time.Hour}, cfg.Levels)
	assert.Equal(t, 24*time.Hour, cfg.SnapshotInterval)
	assert.Equal(t, 5*time.Minute, cfg.L0Retention)
	assert.True(t, cfg.Retention)
	assert.Equal(t, time.Second, cfg.DBs[0].Sync.Interval)
	assert.Zero(t, cfg.ValidationInterval)
}

// A path is that of Litestream: a connection string's too, and one that is relative.
func TestParsePaths(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	t.Chdir("/")
	for path, want := range map[string]string{
		"/x/../app.db": "/app.db", "app.db": "/app.db", "~/app.db": "/home/me/app.db", "sqlite:///app.db": "/app.db",
		"sqlite3:///app.db": "/app.db", "sqlite://~/app.db": "/home/me/app.db", "~app.db": "/~app.db", "/sqlite://app.db": "/sqlite:/app.db",
	} {
		cfg, err := parse(t, "dbs: [{path: '"+path+"', replica: {path: /r}}]")
		require.NoError(t, err, path)
		assert.Equal(t, want, cfg.DBs[0].Path, path)
	}
}

func TestParseRefuses(t *testing.T) {
	const db = "\ndbs: [{path: /app.db, replica: {path: /r}}]"
	of := func(settings string) string { return "dbs: [{path: /app.db, replica: {path: /r}, " + settings + "}]" }
	dir := func(settings string) string { return "dbs: [{dir: /d, replica: {path: /r}, " + settings + "}]" }
	replica := func(settings string) string { return "dbs: [{path: /app.db, replica: {path: /r, " + settings + "}}]" }
	for yaml, says := range map[string]string{
		"addr: ':1'":                                      "no databases: want dbs",
		"dbs: []":                                         "no databases: want dbs",
		"replica: {path: /r}" + db:                        "a replica at the top level has no database: put it below dbs",
		"dbs: [{path: /app.db}]":                          "database /app.db: no replica",
		"dbs: [{replica: {path: /r}}]":                    "neither path nor dir is set",
		of("dir: /d"):                                     "both path and dir are set",
		"addr: 9090" + db:                                 `addr: invalid value "9090": want host:port`,
		"snapshot: {interval: 1day}" + db:                 `line 1, column 12: snapshot.interval: invalid value "1day": want a duration of more than 0`,
		"snapshot: {retention: 0s}" + db:                  `snapshot.retention: invalid value "0s"`,
		"levels: [{interval: -1s}]" + db:                  `levels.0.interval: invalid value "-1s"`,
		"levels: [{intervall: 1s}]" + db:                  `unknown setting "levels.0.intervall": did you mean levels.interval?`,
		"retention: 24h" + db:                             "retention: want retention.enabled, or snapshot.retention",
		"retention: {enabled: maybe}" + db:                `retention.enabled: invalid value "maybe": want true or false`,
		"mcp-addr: ':1'" + db:                             "mcp-addr: the daemon has no MCP server",
		"heartbeat-url: ftp://secret" + db:                "heartbeat-url: want a URL that starts with http:// or https://",
		"heartbeat-interval: 5s" + db:                     `heartbeat-interval: invalid value "5s": want a duration of at least 1m0s`,
		"logging: {level: loud}" + db:                     `logging.level: invalid value "loud": want trace, debug, info, warn or error`,
		"logging: {type: xml}" + db:                       `want text, json or pretty`,
		"socket: {permissions: 999}" + db:                 `socket.permissions: invalid value "999": want permissions in octal`,
		"validation: {read: true}" + db:                   "validation.read: want validation.interval too",
		of("watch: true"):                                 "are settings of a dir",
		of("meta-dir: /m"):                                "are settings of a dir",
		dir("recursive: true"):                            `dir without pattern: want one, such as "*.db"`,
		dir("pattern: '['"):                               `pattern: invalid value "["`,
		dir("pattern: x, restore-if-db-not-exists: true"): "restore-if-db-not-exists needs a path",
		dir("pattern: x, meta-dir: /m, meta-path: /p"):    "both meta-path and meta-dir",
		of("min-checkpoint-page-count: 0"):                `invalid value "0": want a whole number of at least 1`,
		of("max-sync-wal-bytes: 1.5"):                     "want a whole number",
		of("max-checkpoint-page-count: 5"):                "want truncate-page-n",
		of("checkpoint-interval: -5s"):                    "checkpoint-interval",
		replica("retention: 24h"):                         "retention: removed from Litestream: want snapshot.retention",
		replica("validation-interval: 24h"):               "want validation.interval at the top level",
		replica("sync-interval: 0s"):                      `sync-interval: invalid value "0s"`,
		replica("auto-recover: perhaps"):                  `auto-recover: invalid value "perhaps"`,
		"sync-interval: never" + db:                       `sync-interval: invalid value "never"`,
		"dbs: [{path: '/a?b.db', replica: {path: /r}}]":   "names with ?, # or %",
		"dbs: [{path: /a, replica: {path: /r}}, {path: /x/../a, replica: {path: /s}}]":                                                "database /a is configured twice",
		"dbs: [{path: /a, replica: {path: /r}}, {path: /b, replica: {url: 'file:///x/../r/'}}]":                                       `databases /a and /b have the same replica`,
		"dbs: [{path: /a, replica: {path: /r, compress: true}}, {path: /b, replica: {path: /s, mirror: [{path: /r}]}}]":               `databases /a and /b have the same replica`,
		"dbs: [{path: /a, replicas: [{path: /r}, {url: 'file:///r'}]}]":                                                               "database /a: replica file:///r is configured twice",
		"dbs: [{path: /a, replicas: [{path: /r}, {path: /s, sync-interval: 9s}]}]":                                                    "replicas differ",
		"snapshot: {interval: 1h}\ndbs: [{path: /a, snapshot: {interval: 2h}, replica: {path: /r}}]":                                  "2h differs from that at the top level",
		"dbs: [{path: /a, snapshot: {interval: 2h}, replica: {path: /r}}, {path: /b, snapshot: {interval: 3h}, replica: {path: /s}}]": "3h differs from that of another database, 2h",
		"dbs: [{path: /a, replica: {url: 's3://b/p?part-sise=1'}}]":                                                                   "part-size",
		"dsb: []": `unknown setting "dsb": did you mean dbs?`,
		"levels: [{interval: 1s},{interval: 1s},{interval: 1s},{interval: 1s},{interval: 1s},{interval: 1s},{interval: 1s},{interval: 1s},{interval: 1s}]" + db: "levels: 9 are configured: want at most 8",
	} {
		_, err := parse(t, yaml)
		if assert.Error(t, err, yaml) {
			assert.Contains(t, err.Error(), says, yaml)
			assert.NotContains(t, err.Error(), "secret")
		}
	}
}

// All that is wrong is told in one run.
func TestParseReportsAllProblems(t *testing.T) {
	_, err := parse(t, "snapshot: {interval: x}\nlogging: {level: y}\ndbs: [{path: /a}, {dir: /d, replica: {path: /r}}]")
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 4, err.Error())
	_, err = parse(t, "adr: x\nlogging: {level: y}\ndbs: [{path: /a, replica: {path: /r, sise: 1}}, {dir: /d, replica: {path: /r}}]")
	require.Error(t, err)
	for _, problem := range []string{`"adr"`, "logging.level", `"sise"`, "dir without pattern"} {
		assert.ErrorContains(t, err, problem)
	}
	assert.NotContains(t, err.Error(), "no database")
	_, err = parse(t, "dbs: [{path: /a, replica: {path: /r, sise: 1}}]")
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 1, err.Error())
}

// What is wrong with a replica does not hide what is wrong beside it, nor seem to be more.
func TestParseReportsAllProblemsOfADatabase(t *testing.T) {
	_, err := parse(t, `dbs:
- {path: /a.db, monitor-interval: soon, replica: {path: /r, layout: flat, sync-interval: later}}
- {pathh: /b.db, replica: {path: /q}}
- {path: /c.db, replica: {url: "ftp://u:hush@h/x"}}
`)
	require.Error(t, err)
	for _, says := range []string{"layout", "line 2, column 17: monitor-interval", "sync-interval", "did you mean path?", `database /c.db: config: init: invalid argument: line 4, column 17: replicas of type "ftp" are not supported`} {
		assert.ErrorContains(t, err, says)
	}
	assert.NotContains(t, err.Error(), "hush")
	assert.NotContains(t, err.Error(), "neither path nor dir")
	assert.NotContains(t, err.Error(), "no replica")
}

func TestLogLevels(t *testing.T) {
	for level, want := range map[string]slog.Level{"trace": levelTrace, "debug": slog.LevelDebug, "INFO": slog.LevelInfo, "Warning": slog.LevelWarn, "error": slog.LevelError} {
		var l Log
		require.NoError(t, l.SetLevel(level))
		var b strings.Builder
		logger := l.logger(&b)
		logger.Log(t.Context(), want-1, "hidden")
		logger.Log(t.Context(), want, "shown")
		assert.Contains(t, b.String(), "shown", level)
		assert.NotContains(t, b.String(), "hidden", level)
	}
	require.Error(t, new(Log).SetLevel("loud"))
	var b strings.Builder
	Log{Level: "trace", Type: "json", Source: true}.logger(&b).Log(t.Context(), levelTrace, "x")
	assert.Contains(t, b.String(), `"level":"TRACE"`)
	assert.Contains(t, b.String(), `"source"`)
}

// Booleans are those of YAML 1.1, which Litestream reads.
func TestBooleans(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "True": true, "TRUE": true, "yes": true, "Yes": true, "YES": true, "y": true, "Y": true, "on": true, "On": true, "ON": true,
		"false": false, "False": false, "no": false, "No": false, "NO": false, "n": false, "N": false, "off": false, "Off": false, "OFF": false} {
		for _, quoted := range []string{text, "'" + text + "'"} {
			cfg, err := Parse([]byte("dbs: [{dir: /d, pattern: x, watch: "+quoted+", recursive: "+quoted+", replica: {path: /r}}]"), config.Options{})
			require.NoError(t, err, quoted)
			assert.Equal(t, want, cfg.DBs[0].Watch, quoted)
			assert.Equal(t, want, cfg.DBs[0].Recursive, quoted)
		}
	}
	for _, text := range []string{"1", "0", "t", "ja", "truE "} {
		_, err := Parse([]byte("dbs: [{dir: /d, pattern: x, watch: '"+text+"', replica: {path: /r}}]"), config.Options{})
		require.ErrorContains(t, err, "want true or false", text)
	}
}

// A variable that is not set is the default, as in Litestream, and no error.
func TestEmptyValues(t *testing.T) {
	unset := config.Options{Getenv: func(string) (string, bool) { return "", false }}
	cfg, err := Parse([]byte(`{addr: $A, l0-retention: $A, levels: [{interval: 1m}], logging: {level: $A}, socket: {enabled: $A, permissions: $A},
dbs: [{dir: /d, pattern: x, watch: $A, busy-timeout: $A, truncate-page-n: $A, replica: {path: /r, sync-interval: $A}}]}`), unset)
	require.NoError(t, err)
	want := defaultConfig()
	assert.Equal(t, []any{want.Addr, want.L0Retention, want.Log, want.Socket}, []any{cfg.Addr, cfg.L0Retention, cfg.Log, cfg.Socket})
	db := defaultDB()
	assert.Equal(t, []any{false, db.BusyTimeout, db.TruncatePages, db.Sync}, []any{cfg.DBs[0].Watch, cfg.DBs[0].BusyTimeout, cfg.DBs[0].TruncatePages, cfg.DBs[0].Sync})
	_, err = Parse([]byte("dbs: [{path: /db, nosuch: $A, replica: {path: /r}}]"), unset)
	require.ErrorContains(t, err, "nosuch")
	_, err = Parse([]byte("{levels: [{interval: $A}], dbs: [{path: /db, replica: {path: /r}}]}"), unset)
	require.ErrorContains(t, err, "levels.0.interval", "another level would take its place")
}
