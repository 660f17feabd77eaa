//go:build servers

package testservers

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/sftp"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// newKey returns a private key for a file, and the public one as a line of
// authorized_keys.
func newKey(t testing.TB) (private, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
}

// secure is an SFTP server: how it is reached, and the folder it serves.
type secure struct {
	dir     string // absolute on the server too, if rooted
	cfg     sftp.Config
	account account
}

// startSSHD runs OpenSSH's sshd, with keys made here and more host keys, for one
// account.
func startSSHD(t testing.TB, more ...string) *secure {
	p := newProcess(t)
	hostKey, hostPublic := newKey(t)
	userKey, userPublic := newKey(t)
	dir := p.folder(t, "data")
	var others []string
	for i, key := range more {
		others = append(others, "HostKey "+p.file(t, fmt.Sprintf("host_key_%d", i), key))
	}
	config := p.file(t, "sshd_config", strings.Join(append(others,
		"ListenAddress "+p.address,
		"HostKey "+p.file(t, "host_key", hostKey),
		"AuthorizedKeysFile "+p.file(t, "authorized_keys", userPublic),
		"PidFile none",
		"StrictModes no",
		"UsePAM yes", // without it, an account without a password is refused as locked
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"MaxStartups 1000",
		"Subsystem sftp internal-sftp",
		"ForceCommand internal-sftp",
	), "\n")+"\n")
	p.start(t, "sshd", "-D", "-e", "-f", config)
	return &secure{dir: dir, account: p.account, cfg: sftp.Config{
		Host: p.address, User: p.name, KeyPath: p.file(t, "user_key", userKey), HostKey: hostPublic, Path: dir,
	}}
}

// startRcloneSFTP runs rclone's SFTP server, whose root is the served folder.
func startRcloneSFTP(t testing.TB) *secure {
	p := newProcess(t)
	hostKey, hostPublic := newKey(t)
	dir := p.folder(t, "data")
	p.start(t, "rclone", "serve", "sftp", dir, "--addr", p.address, "--user", davUser, "--pass", davPassword,
		"--key", p.file(t, "host_key", hostKey), "--dir-cache-time", "0s", "--config", filepath.Join(p.dir, "rclone.conf"))
	return &secure{dir: dir, account: p.account, cfg: sftp.Config{Host: p.address, User: davUser, Password: davPassword, HostKey: hostPublic, Path: "/"}}
}

func (s *secure) open(path string, o options) ltxstore.ReplicaClient {
	cfg := s.cfg
	cfg.Path = strings.TrimSuffix(cfg.Path, "/") + "/" + path
	cfg.Layout, cfg.WriteOnce, cfg.MustExist = o.layout, o.once, o.mustExist
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Retry = ltxstore.Retry{MaxAttempts: 5, BaseDelay: 4 * time.Millisecond}
	return sftp.NewReplicaClient(cfg)
}

func (s *secure) served() *served { return &served{account: s.account, dir: s.dir, open: s.open} }

// inSSH reports whether a goroutine is of a connection, which lasts.
func inSSH(stack string) bool {
	return strings.Contains(stack, "crypto/ssh") || strings.Contains(stack, "pkg/sftp") || strings.Contains(stack, "ltxstore/sftp.")
}

func TestSSHDConformance(t *testing.T) {
	startSSHD(t).served().conformance(t, "PRIVATE KEY", inSSH, replicatest.PreciseTimes)
}

func TestRcloneSFTPConformance(t *testing.T) {
	startRcloneSFTP(t).served().conformance(t, davPassword, inSSH,
		replicatest.WriteOnce, // it makes no links: see below
		// It opens a file by its name for each range that a reader asks for, and so mixes two.
		replicatest.AtomicRewriting,
		replicatest.PreciseTimes)
}

// rclone acknowledges links and makes none: a write with write-once is refused
// before a file is lost.
func TestRcloneSFTPWriteOnce(t *testing.T) {
	s := startRcloneSFTP(t)
	c := s.open("db", options{})
	defer ltxstore.Close(c)
	content := replicatest.NewLTXFile(1, 1, time.UnixMilli(1), 1)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(content))
	require.NoError(t, err)
	once := s.open("db", options{once: true})
	defer ltxstore.Close(once)
	_, err = once.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(replicatest.NewLTXFile(1, 1, time.UnixMilli(2), 2)))
	require.ErrorIs(t, err, errors.ErrUnsupported)
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, content, got)
}
