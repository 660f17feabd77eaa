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

// Of what there is to choose, certificates come first, as the library has it.
func TestOrderOfAlgorithms(t *testing.T) {
	s := start(t)
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.key))
	require.NoError(t, err)
	names := algorithms(pinned(key), "h:22", s.listener.Addr())
	assert.Len(t, names, len(ssh.SupportedAlgorithms().HostKeys)+len(ssh.InsecureAlgorithms().HostKeys))
	assert.Contains(t, names[0], "-cert-")
	for i, name := range names {
		if name == ssh.KeyAlgoED25519 {
			assert.Contains(t, names[i-1], "-cert-")
			assert.NotContains(t, names[i+1], "-cert-")
		}
	}
}
