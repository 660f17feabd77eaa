package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

const hush = "hunter2hunter2"

// configured is a shell with a litestream.yml, whose app.db has its replica on a server
// that wants the credentials of the file.
func withConfig(t *testing.T) (s *shell, file string) {
	t.Helper()
	s = newShell(t)
	server := httptest.NewServer(s3fake.New(s3fake.Options{AccessKeyID: "AKID", SecretAccessKey: hush}, "bucket"))
	t.Cleanup(server.Close)
	file = s.dir + "/litestream.yml"
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(`
access-key-id: AKID
secret-access-key: `+hush+`
endpoint: `+server.URL+`
region: us-east-1
dbs:
  - path: DIR/app.db
    replica: {type: s3, bucket: bucket, path: app}
  - path: DIR/plain.db
    replica: {path: DIR/rep, layout: default}
  - dir: DIR/tenants
    pattern: "*.db"
    replica: {type: s3, bucket: bucket, path: tenants}
  - path: DIR/two.db
    replicas: [{path: DIR/a}, {path: DIR/b}]
`, "DIR", s.dir)), 0o600))
	return s, file
}

// Every command that takes a URL takes a database of the configuration file.
func TestConfigOfEveryCommand(t *testing.T) {
	s, file := withConfig(t)
	assert.Contains(t, s.ok(t, "cp", "-config", file, "DIR/plain.db", "DIR/app.db"), "copied")
	assert.Contains(t, s.ok(t, "ls", "-config", file, "DIR/app.db"), "6 files")
	assert.Equal(t, s.ok(t, "ls", s.url("rep")), s.ok(t, "ls", "-config="+file, "DIR/plain.db"))
	assert.NotEmpty(t, s.run(t.Context(), "cat", "-config", file, "DIR/app.db", "0", "0000000000000004-0000000000000004").out)
	assert.Contains(t, s.ok(t, "verify", "-config", file, "DIR/app.db"), "can be restored to transaction 0000000000000006")
	s.ok(t, "restore", "-config", file, "DIR/app.db", "DIR/out.db")
	assert.FileExists(t, s.dir+"/out.db")
	assert.Contains(t, s.ok(t, "check", "-config", file, "-only", "write/exact", "DIR/app.db"), "1 of 1 clause hold")
	assert.Contains(t, s.ok(t, "bench", "-config", file, "-files", "2", "-large", "8KiB", "DIR/app.db"), "write")
	assert.Contains(t, s.ok(t, "rm", "-config", file, "-yes", "DIR/app.db", "0", "0000000000000006-0000000000000006"), "deleted 1 file of s3://bucket/app (layout litestream-s3)")
	assert.Contains(t, s.ok(t, "rm", "-config", file, "-yes", "-all", "DIR/app.db"), "deleted 5 files")
	assert.Contains(t, s.fails(t, exitFailed, "ls", "-config", file, "DIR/app.db"), "no LTX files in s3://bucket/app\n")

	// What is near is found with the credentials of the file.
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	_, endpoint, _ := strings.Cut(string(text), "endpoint: ")
	endpoint, _, _ = strings.Cut(endpoint, "\n")
	put(t, "s3://bucket/app/generations?region=us-east-1&access-key-id=AKID&secret-access-key="+hush+"&endpoint="+endpoint, "default", 0)
	assert.Contains(t, s.fails(t, exitFailed, "ls", "-config", file, "DIR/app.db"), "there is a replica of Litestream 0.3 (generations/)")

	// A database in a directory, and a replica elsewhere.
	assert.Contains(t, s.ok(t, "cp", "-config", file, s.url("rep"), "DIR/tenants/x/1.db"), "to layout litestream-s3")
	assert.Contains(t, s.ok(t, "ls", "-config", file, "DIR/tenants/x/1.db"), "6 files")
	assert.Contains(t, s.ok(t, "cp", "-config", file, "DIR/tenants/x/1.db", "DIR/new"), "copied")
	assert.DirExists(t, s.dir+"/new")
}

// The environment names the file and the URL.
func TestEnvironment(t *testing.T) {
	s, file := withConfig(t)
	want := s.ok(t, "ls", s.url("rep"))
	s.env = map[string]string{configVariable: file}
	assert.Equal(t, want, s.ok(t, "ls", "DIR/plain.db"))
	assert.Equal(t, want, s.ok(t, "ls", "DIR/rep"), "a directory that the file does not have")
	s.env[configVariable] = s.dir + "/gone.yml"
	assert.Contains(t, s.fails(t, exitFailed, "ls", "DIR/plain.db"), "$LTXSTORE_CONFIG: open DIR/gone.yml")
	assert.Equal(t, want, s.ok(t, "ls", "-config", file, "DIR/plain.db"), "the flag wins")

	s.env, s.config = nil, file
	assert.Equal(t, want, s.ok(t, "ls", "DIR/plain.db"))
	assert.Equal(t, want, s.ok(t, "ls", "DIR/rep"), "which the file does not have")
	s.config = s.dir + "/wrong.yml"
	require.NoError(t, os.WriteFile(s.config, []byte("regoin: x"), 0o600))
	assert.Equal(t, want, s.ok(t, "ls", "DIR/rep"), "a directory needs none")
	s.ok(t, "cp", "DIR/rep", "DIR/new")
	assert.Contains(t, s.fails(t, exitFailed, "ls", "DIR/plain.db"), "DIR/wrong.yml: ", "a database does")
	s.config = s.dir + "/gone.yml"
	assert.Equal(t, want, s.ok(t, "ls", "DIR/rep"), "there need not be one")

	s.env = map[string]string{urlVariable: s.url("rep")}
	assert.Equal(t, want, s.ok(t, "ls"))
	s.ok(t, "restore", "DIR/out.db")
	assert.NotEmpty(t, s.run(t.Context(), "cat", "0", "0000000000000004-0000000000000004").out)
	assert.Contains(t, s.ok(t, "cp", "DIR/copy"), "copied")
	assert.Contains(t, s.ok(t, "rm", "-yes", "0", "0000000000000004-0000000000000004"), "deleted 1 file")
	assert.Contains(t, s.ok(t, "rm", "-yes", "-all"), "deleted 5 files")
	s.env[urlVariable] = "s3://id:" + hush + "@"
	assert.NotContains(t, s.fails(t, exitFailed, "ls"), hush)
}

// A plain path is a file replica, whatever its name.
func TestDirectories(t *testing.T) {
	s := newShell(t)
	want := s.ok(t, "ls", s.url("rep"))
	assert.Equal(t, want, s.ok(t, "ls", "DIR/rep"))
	assert.Equal(t, want, s.ok(t, "ls", "DIR/rep/"))
	t.Chdir(s.dir)
	assert.Equal(t, want, s.ok(t, "ls", "rep"))
	assert.Equal(t, want, s.ok(t, "ls", "./rep"))
	assert.Contains(t, s.ok(t, "cp", "rep", "50% ü#1?"), "copied")
	assert.DirExists(t, filepath.Join(s.dir, "50% ü#1?"))
	assert.Contains(t, s.ok(t, "ls", "50% ü#1?"), "6 files")
	for _, name := range []string{"s3", "a:b", "a=b"} { // none is a URL
		assert.Contains(t, s.ok(t, "cp", "rep", name), "copied")
		assert.DirExists(t, filepath.Join(s.dir, name))
	}
}

// A database is named as in Litestream.
func TestDatabasePath(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Chdir(home)
	for name, want := range map[string]string{"~": home, "~/a.db": home + "/a.db", "sqlite://~/a.db": home + "/a.db", "sqlite3:///a.db": "/a.db",
		"~a.db": home + "/~a.db", "a/../b~": home + "/b~"} {
		got, err := databasePath(name)
		require.NoError(t, err)
		full, err := filepath.Abs(want)
		require.NoError(t, err)
		assert.Equal(t, full, got, name)
	}
}

// A file may be named as a service is, and as on another system.
func TestLocalFile(t *testing.T) {
	for _, name := range []string{"s3", "out.db", "C:/out.db", "a:b"} {
		assert.NoError(t, localFile("FILE", name), name)
	}
	for _, name := range []string{"", "s3:/b", "S3:/b/c", "x://y"} {
		assert.ErrorContains(t, localFile("FILE", name), "want the path of a file", name)
	}
}

// What cannot be right is told with the flag, the value, and what would be.
func TestTargetsThatCannotBe(t *testing.T) {
	s, file := withConfig(t)
	bad := s.dir + "/bad.yml"
	require.NoError(t, os.WriteFile(bad, []byte("dbs: [{path: /a, replica: {path: /r, secret-acces-key: "+hush+"}}, {path: /b, replica: {url: 'zzz://'}}]"), 0o600))
	empty := s.dir + "/empty.yml"
	require.NoError(t, os.WriteFile(empty, []byte("# nothing\n"), 0o600))
	require.NoError(t, os.WriteFile(s.dir+"/app.db", []byte("SQLite"), 0o600))
	for _, tt := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "DIR/litestream.yml has no database \"DIR/ap.db\": did you mean DIR/app.db?", []string{"ls", "-config", file, "DIR/ap.db"}},
		{exitUsage, "has no database", []string{"cp", "-config", file, "DIR/gone", "DIR/x"}},
		{exitUsage, "has no database \"DIR/app.db/x\"", []string{"ls", "-config", file, "DIR/app.db/x"}},
		{exitUsage, "has no database \"DIR/tenants\"", []string{"ls", "-config", file, "DIR/tenants"}},
		{exitUsage, "has 2 replicas of DIR/two.db: want the URL of one: file://DIR/a, file://DIR/b", []string{"ls", "-config", file, "DIR/two.db"}},
		{exitUsage, "has several databases: want one of them before the other arguments: there are DIR/app.db, DIR/plain.db", []string{"ls", "-config", file}},
		{exitUsage, "-config: want the path of a configuration file", []string{"ls", "-config", "", "DIR/app.db"}},
		{exitUsage, "-config is the URL s3://b: want the path of a file", []string{"ls", "-config", "s3://b", "DIR/app.db"}},
		{exitFailed, "-config: open DIR/gone.yml: no such file", []string{"ls", "-config", "DIR/gone.yml", "DIR/app.db"}},
		{exitFailed, `-config: DIR/bad.yml: config: replica at line 1, column 18: unknown setting "secret-acces-key"`, []string{"ls", "-config", bad, "DIR/app.db"}},
		{exitFailed, "DIR/empty.yml has no replica", []string{"ls", "-config", empty}},
		{exitUsage, "there are none in it", []string{"ls", "-config", empty, "DIR/app.db"}},
		{exitUsage, "DIR/app.db is a file: want the directory of a replica, a URL, or with -config the database", []string{"ls", "DIR/app.db"}},
		{exitUsage, `"s3:bucket/x" is not a URL: want one such as s3://bucket/path`, []string{"ls", "s3:bucket/x"}},
		{exitUsage, `"DIR/rep?layout=[redacted]" is not a URL`, []string{"ls", "DIR/rep?layout=default"}},
		{exitUsage, "URL is empty: want a URL, a directory, or with -config a database", []string{"ls", ""}},
		{exitUsage, "SOURCE is empty: want a URL", []string{"cp", "", s.url("a")}},
		{exitUsage, "DESTINATION is empty: want a URL", []string{"cp", s.url("a"), ""}},
		{exitUsage, "want ltxstore ls URL", []string{"ls"}},
		{exitUsage, "unknown flag -config", []string{"version", "-config", file}},
	} {
		said := s.fails(t, tt.code, tt.args...)
		assert.Contains(t, said, tt.want, "%v", tt.args)
		assert.NotContains(t, said, hush)
	}
}

// A copy keeps the family of the source's layout: what Litestream restores stays so.
func TestCpKeepsTheFamily(t *testing.T) {
	s, file := withConfig(t)
	for _, tt := range []struct{ from, to, says string }{
		{"DIR/rep", "DIR/default", "from layout default to layout default"},
		{"DIR/rep", "file://DIR/ours?layout=litestream", "from layout default to layout litestream\n"},
		{"DIR/ours", "DIR/app.db", "from layout litestream to layout litestream-s3"},
		{"DIR/ours", "DIR/theirs", "from layout litestream to layout litestream\n"},
		{"DIR/app.db", "file://DIR/back?layout=auto", "from layout litestream-s3 to layout litestream\n"},
		{"DIR/app.db", "file://DIR/else?layout=default", "from layout litestream-s3 to layout default"},
		{"DIR/ours", "DIR/default", "from layout litestream to layout default"}, // which has files already
	} {
		assert.Contains(t, s.ok(t, "cp", "-config", file, tt.from, tt.to), tt.says, "%v", tt)
	}
	assert.FileExists(t, s.dir+"/theirs/ltx/9/0000000000000001-0000000000000002.ltx")
	assert.FileExists(t, s.dir+"/back/ltx/0/0000000000000006-0000000000000006.ltx")
	assert.FileExists(t, s.dir+"/else/snapshots/0000000000000001-0000000000000002.ltx")
	assert.Contains(t, s.run(t.Context(), "cp", "-json", "DIR/ours", "DIR/json").out, `"to_layout": "litestream"`)

	// Litestream goes by the files' own times, which another copy may have lost.
	level := s.dir + "/theirs/ltx/0/"
	entries, err := os.ReadDir(level)
	require.NoError(t, err)
	for _, e := range entries {
		require.NoError(t, os.Chtimes(level+e.Name(), time.Now(), time.Now()))
	}
	r := s.run(t.Context(), "cp", "-level", "0", "DIR/ours", "DIR/theirs")
	assert.Equal(t, exitOK, r.code)
	assert.Contains(t, r.err, "warning: file://DIR/theirs has files with the times at which they were stored there, which litestream restore -timestamp will use")
	assert.Empty(t, s.run(t.Context(), "cp", "-level", "0", "DIR/ours", "DIR/back").err)

	// The first file that is copied or skipped tells it for all.
	require.NoError(t, os.WriteFile(s.dir+"/back/ltx/0/0000000000000004-0000000000000004.ltx", []byte("another"), 0o600))
	require.NoError(t, os.Chtimes(s.dir+"/back/ltx/0/0000000000000005-0000000000000005.ltx", time.Now(), time.Now()))
	r = s.run(t.Context(), "cp", "-level", "0", "-concurrency", "1", "DIR/ours", "DIR/back")
	assert.Equal(t, exitFailed, r.code)
	assert.Contains(t, r.err, "warning: file://DIR/back has files with the times at which they were stored there")
}

// A file's first databases are named, and the others counted.
func TestDatabasesOf(t *testing.T) {
	for n, want := range map[int]string{0: "there are none in it", 1: "there are /0", 5: "there are /0, /1, /2, /3, /4", 6: "/0, /1, /2, /3, /4 and 1 more"} {
		file := new(config.File)
		for i := range n {
			file.DBs = append(file.DBs, config.DB{Path: "/" + strconv.Itoa(i)})
		}
		assert.Equal(t, want, databasesOf(file, "nothing alike"))
	}
}
