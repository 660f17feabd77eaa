package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/restore"
)

// The test binary is the command when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("LTXSTORED_TEST_PROCESS") != "" {
		main()
	}
	os.Exit(m.Run())
}

// host is a folder with a configuration and a database.
type host struct {
	t   *testing.T
	dir string
}

func newHost(t *testing.T, yaml string) *host {
	h := &host{t, t.TempDir()}
	h.configure(yaml)
	h.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)`)
	return h
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

// configure writes the configuration; $DIR is the folder.
func (h *host) configure(yaml string) {
	h.t.Helper()
	require.NoError(h.t, os.WriteFile(h.path("l.yml"), []byte(strings.ReplaceAll(yaml, "$DIR", h.dir)), 0o600))
}

// exec writes to the database, as an application does.
func (h *host) exec(statement string) { h.t.Helper(); h.execOn("app.db", statement) }

func (h *host) execOn(name, statement string) {
	h.t.Helper()
	db, err := sql.Open("sqlite", h.path(name)+"?_pragma=busy_timeout(20000)&_pragma=journal_mode(wal)")
	require.NoError(h.t, err)
	_, err = db.Exec(statement)
	require.NoError(h.t, errors.Join(err, db.Close()))
}

// content returns what the table of a database holds, as a text.
func (h *host) content(name string) string {
	h.t.Helper()
	db, err := sql.Open("sqlite", h.path(name)+"?_pragma=busy_timeout(20000)")
	require.NoError(h.t, err)
	var text, check string
	err = db.QueryRow(`SELECT count(*) || ' ' || coalesce(group_concat(id || ':' || hex(x)), '') FROM (SELECT * FROM t ORDER BY id)`).Scan(&text)
	err = errors.Join(err, db.QueryRow(`PRAGMA integrity_check`).Scan(&check), db.Close())
	require.NoError(h.t, err)
	require.Equal(h.t, "ok", check)
	return text
}

// requireRestored restores the replica and compares it with the database.
func (h *host) requireRestored(replica string) {
	h.t.Helper()
	client, err := ltxstore.Open(h.t.Context(), "file://"+h.path(replica)+"?layout=litestream")
	require.NoError(h.t, err)
	name := fmt.Sprintf("restored-%d.db", time.Now().UnixNano())
	_, err = restore.Run(h.t.Context(), client, h.path(name), restore.Config{})
	require.NoError(h.t, errors.Join(err, ltxstore.Close(client)))
	require.Equal(h.t, h.content("app.db"), h.content(name))
}

// running is a process of the command.
type running struct {
	*host
	cmd *exec.Cmd

	mu     sync.Mutex
	output bytes.Buffer
}

func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.Write(b)
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.String()
}

func (h *host) start(args ...string) *running {
	h.t.Helper()
	return h.startAs(func(*exec.Cmd) {}, args...)
}

// startAs is start of a process that prepare has changed.
func (h *host) startAs(prepare func(*exec.Cmd), args ...string) *running {
	h.t.Helper()
	self, err := os.Executable()
	require.NoError(h.t, err)
	r := &running{host: h, cmd: exec.Command(self, append([]string{"-config", h.path("l.yml")}, args...)...)}
	r.cmd.Env = append(os.Environ(), "LTXSTORED_TEST_PROCESS=1", "LTXSTORED_TEST_DIR="+h.dir)
	r.cmd.Stdout, r.cmd.Stderr = r, r
	prepare(r.cmd)
	require.NoError(h.t, r.cmd.Start())
	h.t.Cleanup(func() { _ = r.cmd.Process.Kill(); _ = r.cmd.Wait() })
	return r
}

// wait returns the exit code.
func (r *running) wait() int {
	r.t.Helper()
	timer := time.AfterFunc(time.Minute, func() { _ = r.cmd.Process.Kill() })
	defer timer.Stop()
	_ = r.cmd.Wait()
	return r.cmd.ProcessState.ExitCode()
}

func (r *running) signal(sig os.Signal) {
	r.t.Helper()
	require.NoError(r.t, r.cmd.Process.Signal(sig))
}

// eventually waits for what the process does by itself.
func (r *running) eventually(what func() bool, message string) {
	r.t.Helper()
	if !assert.Eventually(r.t, what, 30*time.Second, 20*time.Millisecond, message) {
		r.t.Fatal(r.text())
	}
}

// url waits for the address of the pages.
func (r *running) url() string {
	r.t.Helper()
	url := regexp.MustCompile(`url=(http://\S+)`)
	r.eventually(func() bool { return url.MatchString(r.text()) }, "serving")
	return url.FindStringSubmatch(r.text())[1]
}

// healthy waits until the process says that all is replicated.
func (r *running) healthy() {
	r.t.Helper()
	url := r.url()
	r.eventually(func() bool {
		response, err := http.Get(url + "health")
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, "healthy")
}

const one = `
addr: 127.0.0.1:0
dbs:
  - {path: $DIR/app.db, monitor-interval: 20ms, replica: {path: $DIR/r, sync-interval: 20ms}}
`

// A SIGTERM in the middle of the writing loses nothing that was committed.
func TestTerminate(t *testing.T) {
	h := newHost(t, one)
	r := h.start()
	r.healthy()
	for range 20 {
		h.exec(`INSERT INTO t (x) VALUES (randomblob(3000))`)
	}
	r.signal(syscall.SIGTERM)
	assert.Equal(t, exitOK, r.wait(), r.text())
	assert.Contains(t, r.text(), "msg=stopped")
	h.requireRestored("r")
}

// After a kill the next start goes on where the killed one was.
func TestKill(t *testing.T) {
	h := newHost(t, one)
	for range 3 {
		r := h.start()
		r.healthy()
		for range 10 {
			h.exec(`INSERT INTO t (x) VALUES (randomblob(3000)); UPDATE t SET x = randomblob(100) WHERE id = 1`)
		}
		r.signal(syscall.SIGKILL)
		assert.Equal(t, -1, r.wait())
		h.exec(`INSERT INTO t (x) VALUES ('while it was away')`)
	}
	r := h.start()
	r.healthy()
	r.signal(syscall.SIGTERM)
	assert.Equal(t, exitOK, r.wait(), r.text())
	h.requireRestored("r")
}

func TestOnce(t *testing.T) {
	h := newHost(t, one)
	h.configure("snapshot: {retention: 1ns}\n" + one)
	for _, run := range []struct {
		args      []string
		snapshots int
	}{
		{[]string{"-once"}, 0},
		{[]string{"-once", "-force-snapshot"}, 1},
		{[]string{"-once", "-force-snapshot"}, 2},
		{[]string{"-once", "-enforce-retention"}, 1},
	} {
		h.exec(`INSERT INTO t (x) VALUES (randomblob(30000))`)
		r := h.start(run.args...)
		assert.Equal(t, exitOK, r.wait(), r.text())
		h.requireRestored("r")
		found, err := filepath.Glob(h.path("r/ltx/9/*.ltx"))
		require.NoError(t, err)
		assert.Len(t, found, run.snapshots, run.args)
	}

	require.NoError(t, os.Rename(h.path("app.db"), h.path("away.db")))
	r := h.start("-once")
	assert.Equal(t, exitFailure, r.wait())
	assert.Contains(t, r.text(), "app.db: it does not exist")
	r = h.start("-once", "-restore-if-db-not-exists")
	assert.Equal(t, exitOK, r.wait(), r.text())
	assert.Equal(t, h.content("away.db"), h.content("app.db"))
}

func TestReload(t *testing.T) {
	h := newHost(t, one)
	r := h.start()
	r.healthy()
	h.configure(strings.ReplaceAll(one, "$DIR/r", "$DIR/other"))
	r.signal(syscall.SIGHUP)
	r.eventually(func() bool { return strings.Contains(r.text(), "msg=reloaded") }, "reloaded")
	h.configure("dbs: [nonsense")
	r.signal(syscall.SIGHUP)
	r.eventually(func() bool { return strings.Contains(r.text(), "reload failed") }, "not reloaded")
	r.healthy()
	h.exec(`INSERT INTO t (x) VALUES (1)`)
	r.signal(syscall.SIGINT)
	assert.Equal(t, exitOK, r.wait(), r.text())
	h.requireRestored("other")
}

// The command that is run is told to end, has its exit code passed on, and what it
// wrote last is replicated.
func TestExec(t *testing.T) {
	h := newHost(t, one)
	r := h.start("-exec", `sh -c 'echo "running with $LTXSTORED_TEST_DIR"; exit 7'`)
	assert.Equal(t, 7, r.wait(), r.text())
	assert.Contains(t, r.text(), "running with "+h.dir)
	h.requireRestored("r")

	r = h.start("-exec", `sh -c 'trap "echo ending; exit 3" TERM; echo started; while :; do sleep 0.05; done'`)
	r.eventually(func() bool { return strings.Contains(r.text(), "started") }, "started")
	h.exec(`INSERT INTO t (x) VALUES (2)`)
	r.signal(syscall.SIGTERM)
	assert.Equal(t, 3, r.wait(), r.text())
	assert.Contains(t, r.text(), "ending")
	h.requireRestored("r")

	r = h.start("-exec", `sh -c 'kill -9 $$'`)
	assert.Equal(t, 128+9, r.wait(), r.text())
	r = h.start("-exec", `true`)
	assert.Equal(t, exitOK, r.wait(), r.text())
	r = h.start("-exec", `/no/such/command`)
	assert.Equal(t, exitFailure, r.wait())
	assert.Contains(t, r.text(), "/no/such/command")
}

// A second signal to stop gives up a last sync that cannot succeed.
func TestSecondSignal(t *testing.T) {
	h := newHost(t, strings.ReplaceAll(one, "path: $DIR/r,", "path: $DIR/r, must-exist: true,"))
	require.NoError(t, os.Mkdir(h.path("r"), 0o755))
	r := h.start()
	r.healthy()
	require.NoError(t, os.Rename(h.path("r"), h.path("gone")))
	h.exec(`INSERT INTO t (x) VALUES (1)`)
	r.signal(syscall.SIGTERM)
	r.eventually(func() bool { return strings.Contains(r.text(), "msg=stopping") }, "stopping")
	r.signal(syscall.SIGHUP) // which is none to stop
	r.signal(syscall.SIGTERM)
	assert.Equal(t, exitFailure, r.wait(), r.text())
	assert.Equal(t, 1, strings.Count(r.text(), `msg="last sync abandoned" signal=terminated`), r.text())
}

// What is wrong is told at once, with the code of a usage error.
func TestBadConfiguration(t *testing.T) {
	for yaml, says := range map[string]string{
		"dbs: [{path: $DIR/app.db, replica: {path: $DIR/r, sync-intervall: 1s}}]": `unknown setting "sync-intervall": did you mean sync-interval?`,
		"dbs: [{path: $DIR/app.db, replica: {path: $DIR/r}}]\nmcp-addr: ':1'":     "mcp-addr: the daemon has no MCP server",
		"dbs: [{path: $DIR/app.db}]": "no replica",
		"":                           "the configuration is empty",
	} {
		h := newHost(t, yaml)
		r := h.start()
		assert.Equal(t, exitUsage, r.wait(), yaml)
		assert.Contains(t, r.text(), says)
		assert.Contains(t, r.text(), h.path("l.yml"))
	}
}

func TestArguments(t *testing.T) {
	h := newHost(t, one)
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-check"}, exitOK, ": OK"},
		{[]string{"-version"}, exitOK, "ltxstored "},
		{[]string{"-help"}, exitOK, "usage: ltxstored"},
		{[]string{"-no-such-flag"}, exitUsage, "no-such-flag"},
		{[]string{"app.db"}, exitUsage, `unexpected argument "app.db"`},
		{[]string{"-once", "-exec", "x"}, exitUsage, "-once and -exec cannot be combined"},
		{[]string{"-force-snapshot"}, exitUsage, "-force-snapshot needs -once"},
		{[]string{"-enforce-retention"}, exitUsage, "-enforce-retention needs -once"},
		{[]string{"-log-level", "loud"}, exitUsage, `invalid value "loud"`},
		{[]string{"-config", h.path("none.yml")}, exitUsage, "none.yml"},
		{[]string{"-exec", "'"}, exitFailure, "cannot be split"},
		{[]string{"-exec", " "}, exitFailure, "cannot be split"},
	} {
		r := h.start(tc.args...)
		assert.Equal(t, tc.code, r.wait(), "%v\n%s", tc.args, r.text())
		assert.Contains(t, r.text(), tc.says)
	}
}
