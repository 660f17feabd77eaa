//go:build unix

package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unprivileged makes the process one that permissions apply to: root's ignores them.
func (h *host) unprivileged(cmd *exec.Cmd) {
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	self, err := os.ReadFile(cmd.Path)
	require.NoError(h.t, err)
	cmd.Path = h.path("ltxstored") // go test keeps its own where only root finds it
	require.NoError(h.t, os.WriteFile(cmd.Path, self, 0o755))
	require.NoError(h.t, os.Chmod(filepath.Dir(h.dir), 0o755))
	require.NoError(h.t, filepath.Walk(h.dir, func(name string, _ os.FileInfo, err error) error {
		require.NoError(h.t, err)
		return os.Chown(name, nobody, nobody)
	}))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// get returns the code and the body of a page.
func (r *running) get(page string) (int, string) {
	r.t.Helper()
	response, err := http.Get(r.url() + page)
	require.NoError(r.t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	return response.StatusCode, string(body)
}

// A replica that is read-only from the start, or becomes so, is told everywhere, and gets
// what it lacks once it can be written.
func TestReadOnlyReplica(t *testing.T) {
	h := newHost(t, one)
	set := func(mode os.FileMode, dirs ...string) {
		t.Helper()
		for _, dir := range dirs {
			require.NoError(t, os.Chmod(h.path(dir), mode))
		}
	}
	require.NoError(t, os.Mkdir(h.path("r"), 0o755))
	set(0o555, "r")
	t.Cleanup(func() { _ = os.Chmod(h.path("r"), 0o755) })
	r := h.startAs(h.unprivileged)
	refused := func(says string) {
		t.Helper()
		r.eventually(func() bool {
			code, body := r.get("health")
			return code == http.StatusServiceUnavailable && strings.Contains(body, says)
		}, "told")
		_, page := r.get("")
		assert.Contains(t, page, says)
		assert.Contains(t, r.text(), says)
	}
	refused("make directory: permission denied")
	set(0o755, "r")
	r.healthy()

	set(0o555, "r/ltx/0")
	h.exec(`INSERT INTO t (x) VALUES (1)`)
	refused("create temporary: permission denied")
	set(0o755, "r/ltx/0")
	r.healthy()
	h.exec(`INSERT INTO t (x) VALUES (2)`)
	r.signal(syscall.SIGTERM)
	require.Equal(t, exitOK, r.wait(), r.text())
	h.requireRestored("r")
}
