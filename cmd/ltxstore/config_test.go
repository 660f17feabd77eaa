package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigCheck(t *testing.T) {
	s := newShell(t)
	file := s.dir + "/litestream.yml"
	require.NoError(t, os.WriteFile(file, []byte("dbs:\n  - path: /app.db\n    replicas:\n      - url: s3://key:hunter2@bucket/app\n      - path: /backup\n"), 0o644))
	r := s.run(t.Context(), "config", "check", file)
	assert.NotContains(t, r.out+r.err, "hunter2")

	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o644)) }
	write("region: eu-west-3\ndbs:\n  - path: /app.db\n    replica: {url: 's3://bucket/app', secret-access-key: hunter2, access-key-id: id}\n  - path: /other.db\n    replica: {path: /backup}\n")
	golden(t, "config", s.ok(t, "config", "check", file))

	write("dbs:\n  - path: /app.db\n    replica: {path: " + s.dir + "/rep, layout: default}\n")
	var checked struct {
		Replicas []configured
	}
	require.NoError(t, json.Unmarshal([]byte(s.ok(t, "config", "check", "-json", file)), &checked))
	require.Len(t, checked.Replicas, 1)
	assert.Equal(t, configured{"/app.db", "file", "", "DIR/rep", "", "", "default"}, checked.Replicas[0])

	require.NoError(t, os.WriteFile(file, []byte("dbs:\n  - path: /app.db\n    replicas:\n      - url: s3://bucket/app\n        regoin: x\n"), 0o644))
	assert.Contains(t, s.fails(t, exitProblems, "config", "check", file), "line 5")

	// All that is wrong is told in one run.
	require.NoError(t, os.WriteFile(file, []byte("regoin: x\ndbs:\n  - pathh: /app.db\n    replica: {url: 's3://bucket', part-sise: 1}\n"), 0o644))
	many := s.run(t.Context(), "config", "check", file)
	assert.Equal(t, exitProblems, many.code)
	text := many.err
	for _, want := range []string{"did you mean region?", "did you mean path?", "did you mean part-size?"} {
		assert.Contains(t, text, want)
	}
	assert.Equal(t, 3, strings.Count(text, "litestream.yml: "), text)

	// So are values of the daemon's settings that Litestream would refuse.
	write(`sync-interval: soon
addr: ":9090"
snapshot: {interval: 24h, retention: 7d}
levels: [{interval: 30s}, {interval: x}]
logging: {level: loud, type: json}
dbs:
  - path: /app.db
    monitor-interval: 1
    busy-timeout:
    restore-if-db-not-exists: maybe
    min-checkpoint-page-count: 1_000
    truncate-page-n: many
    replicas: [{path: /backup, sync-interval: 1s, auto-recover: true}, {path: /other, max-sync-ltx-files: 1.5}]
`)
	many = s.run(t.Context(), "config", "check", file)
	assert.Equal(t, exitProblems, many.code)
	assert.Contains(t, many.out, "2 replicas, 8 problems\n")
	text = many.err
	for _, want := range []string{"line 1, column 1: sync-interval", "line 3, column 27: snapshot.retention", "line 4, column 28: levels.1.interval",
		"line 5, column 11: logging.level", "line 8, column 5: monitor-interval", "line 10, column 5: restore-if-db-not-exists",
		"line 12, column 5: truncate-page-n", "line 13, column 87: max-sync-ltx-files"} {
		assert.Contains(t, text, want+": want ")
	}
	assert.Equal(t, 8, strings.Count(text, ": want "), text)
	write("regoin: x\ndbs:\n  - dir: /all\n    replica: {path: /backup}\n  - path: /a\n    replica: {regoin: x, path: /r}\n")
	many = s.run(t.Context(), "config", "check", file)
	assert.Equal(t, exitProblems, many.code)
	assert.Equal(t, 2, strings.Count(many.err, "regoin"), many.err)
}

// All that is wrong is in the JSON, beside what is right.
func TestConfigCheckJSON(t *testing.T) {
	s := newShell(t)
	file := s.dir + "/litestream.yml"
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o644)) }
	write(`dbs:
  - {path: /a, replica: {url: "ftp://host/x"}}
  - {path: /b, monitor-interval: soon, replica: {path: /r, sync-intervall: 1s}}
  - {path: /c, replica: {path: /c-replica}}
  - {dir: /d, replica: {path: /d-replica}}
`)
	many := s.run(t.Context(), "config", "check", "-json", file)
	assert.Equal(t, exitProblems, many.code)
	var report struct {
		Replicas []configured
		Problems []problem
	}
	require.NoError(t, json.Unmarshal([]byte(many.out), &report))
	require.Len(t, report.Replicas, 2)
	assert.Equal(t, "/c", report.Replicas[0].Database)
	require.Len(t, report.Problems, 3)
	for i, want := range []problem{{Line: 3, Column: 60, Message: `unknown setting "sync-intervall"`}, {Line: 3, Column: 16, Message: "monitor-interval"}, {Line: 2, Column: 16, Message: `"ftp"`}} {
		got := report.Problems[i]
		assert.Contains(t, got.Message, want.Message)
		assert.Contains(t, many.err, got.Message)
		assert.Equal(t, [3]any{"DIR/litestream.yml", want.Line, want.Column}, [3]any{got.File, got.Line, got.Column}, got.Message)
	}

	// A store that is not supported does not make the others unreadable.
	write("dbs: [{path: /a, replica: {url: 'ftp://host/x'}}, {path: /b, replica: {path: '" + s.dir + "/rep', layout: default}}]\n")
	assert.Contains(t, s.fails(t, exitFailed, "ls", "-config", file, "/a"), `"ftp" are not supported`)
	assert.Contains(t, s.ok(t, "ls", "-config", file, "/b"), "6 files")

	// A file that is not YAML is JSON, too.
	write("dbs: [\n")
	many = s.run(t.Context(), "config", "check", "-json", file)
	assert.Equal(t, exitProblems, many.code)
	report.Problems = nil
	require.NoError(t, json.Unmarshal([]byte(many.out), &report))
	require.Len(t, report.Problems, 1)
	assert.Positive(t, report.Problems[0].Line)
	assert.Empty(t, report.Replicas)
	write("replica: {path: /r}\n")
	assert.Contains(t, s.ok(t, "config", "check", "-json", file), `"problems": []`)
}
