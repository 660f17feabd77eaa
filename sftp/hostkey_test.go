package sftp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// A server has several keys, of which the client may know any one.
func TestServerWithSeveralKeys(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	var signers []ssh.Signer
	var keys []string
	for _, private := range []any{ec, old} {
		signer, err := ssh.NewSignerFromKey(private)
		require.NoError(t, err)
		signers = append(signers, signer)
		keys = append(keys, string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	}
	s := start(t, signers...)
	for _, known := range append(keys, s.key) {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(known))
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "known_hosts")
		line := knownhosts.Line([]string{knownhosts.HashHostname(knownhosts.Normalize(s.listener.Addr().String()))}, key)
		require.NoError(t, os.WriteFile(file, []byte(line+"\n"), 0o600))
		for _, change := range []func(*Config){
			func(cfg *Config) { cfg.HostKey = known },
			func(cfg *Config) { cfg.HostKey, cfg.KnownHosts = "", file },
			func(cfg *Config) { cfg.HostKey, cfg.InsecureIgnoreHostKey = "", true },
		} {
			c := s.client(change)
			require.NoError(t, write(t, c, "x"), key.Type())
			require.NoError(t, c.Close())
		}
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	unknown, err := ssh.NewPublicKey(other.Public())
	require.NoError(t, err)
	err = write(t, s.client(func(cfg *Config) { cfg.HostKey = string(ssh.MarshalAuthorizedKey(unknown)) }), "x")
	assert.ErrorContains(t, err, "the server's host key is not HostKey")
}

// A known_hosts file is read as OpenSSH reads it: a pattern is for every port, and a line
// of an authority asks the server for a certificate.
func TestKnownHosts(t *testing.T) {
	s := start(t)
	for line, want := range map[string]string{
		"127.0.0.* " + s.key:                 ssh.KeyAlgoED25519,
		"@cert-authority 127.0.0.* " + s.key: ssh.CertAlgoED25519v01,
	} {
		file := filepath.Join(t.TempDir(), "known_hosts")
		require.NoError(t, os.WriteFile(file, []byte(line+"\n"), 0o600))
		_, algorithms, err := Config{Host: s.listener.Addr().String(), KnownHosts: file}.hostKey()
		require.NoError(t, err)
		assert.Equal(t, want, algorithms[0])
		require.NoError(t, write(t, s.client(func(cfg *Config) { cfg.HostKey, cfg.KnownHosts = "", file }), "x"))
	}
}
