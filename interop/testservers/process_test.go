//go:build servers

package testservers

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// account is whom the servers run as: nobody, if the tests run as root, so that
// a server has no more rights than in use; else the tests' own user.
type account struct {
	name     string
	uid, gid int
}

func self(t testing.TB) account {
	t.Helper()
	u, err := user.Current()
	require.NoError(t, err)
	if u.Uid == "0" {
		u, err = user.Lookup("nobody")
		require.NoError(t, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(u.Gid)
	require.NoError(t, err)
	return account{u.Username, uid, gid}
}

// own makes files the account's.
func (a account) own(names ...string) error {
	for _, name := range names {
		if err := os.Lchown(name, a.uid, a.gid); err != nil {
			return err
		}
	}
	return nil
}

// process is a server on loopback.
type process struct {
	account
	dir     string // its own: configuration, keys, logs
	address string // where it listens
}

// newProcess prepares a server: an address and a folder.
func newProcess(t testing.TB) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dir, err := os.MkdirTemp("", "server-") // t.TempDir's are below one that is the tests' alone
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &process{account: self(t), dir: dir, address: l.Addr().String()}
	require.NoError(t, p.own(p.dir))
	return p
}

func (p *process) port() string {
	_, port, _ := net.SplitHostPort(p.address)
	return port
}

// file writes a file into the server's folder and returns its name.
func (p *process) file(t testing.TB, name, content string) string {
	t.Helper()
	name = filepath.Join(p.dir, name)
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	require.NoError(t, p.own(name))
	return name
}

// folder makes a folder in the server's and returns its name.
func (p *process) folder(t testing.TB, name string) string {
	t.Helper()
	name = filepath.Join(p.dir, name)
	require.NoError(t, os.Mkdir(name, 0o755))
	require.NoError(t, p.own(name))
	return name
}

// start runs the server until the test's end, and returns when it listens. A
// server that is not installed is a failure.
func (p *process) start(t testing.TB, binary string, args ...string) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	binary, err := exec.LookPath(binary)
	require.NoError(t, err, "run .ci/install-servers")
	log, err := os.Create(filepath.Join(p.dir, "output"))
	require.NoError(t, err)
	defer log.Close()
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.Env = append(os.Environ(), "HOME="+p.dir, "XDG_CACHE_HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(p.uid), Gid: uint32(p.gid)}
	}
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	output := func() string {
		text, _ := os.ReadFile(log.Name())
		return string(text)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Log(binary, "printed:", output())
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s has ended: %v\n%s", binary, err, output())
		default:
		}
		require.True(t, time.Now().Before(deadline), "%s does not listen: %s", binary, output())
	}
}
