package sftp

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/ltxstore/ltxstore"
)

// hung is a server whose disk does not answer, while its SSH does.
type hung struct {
	sftp.FileLister
	sftp.FileReader
	on chan struct{} // nil means that it answers
}

func (h *hung) wait() {
	if h.on != nil {
		<-h.on
	}
}

func (h *hung) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method == "List" {
		h.wait()
	}
	return h.FileLister.Filelist(r)
}

func (h *hung) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	h.wait()
	return h.FileReader.Fileread(r)
}

// A server that does not answer, as one that opens a pipe which has replaced the
// file, is given up after the idle timeout, without a context that ends.
func TestHungServer(t *testing.T) {
	s := start(t)
	handlers := sftp.InMemHandler()
	h := &hung{FileLister: handlers.FileList, FileReader: handlers.FileGet}
	handlers.FileList, handlers.FileGet = h, h
	s.handlers = &handlers
	c := s.client(func(cfg *Config) {
		cfg.Path, cfg.IdleTimeout, cfg.Retry.MaxAttempts = "/db", 100*time.Millisecond, 1
	})
	defer c.Close()
	require.NoError(t, write(t, c, "x"))
	h.on = make(chan struct{})
	defer close(h.on)
	_, err := read(t, c)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.ErrorContains(t, err, "no response from the server for 100ms")
	_, err = c.LTXLevels(t.Context())
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// A context that ends while another call connects ends its call only.
func TestContextEndsWhileAnotherConnects(t *testing.T) {
	s := start(t)
	dialing, goOn := make(chan struct{}), make(chan struct{})
	c := s.client(func(cfg *Config) {
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			close(dialing)
			<-goOn
			return dial(ctx, network, address)
		}
	})
	defer c.Close()
	first := make(chan error)
	go func() {
		_, err := c.LTXLevels(context.Background())
		first <- err
	}()
	<-dialing
	ctx, cancel := context.WithCancel(t.Context())
	cancel2 := time.AfterFunc(time.Millisecond, cancel)
	defer cancel2.Stop()
	_, err := c.LTXLevels(ctx)
	require.ErrorIs(t, err, context.Canceled)
	close(goOn)
	require.NoError(t, <-first)
}

// fakeAgent serves a keyring at SSH_AUTH_SOCK, and reports each connection that
// has ended.
func fakeAgent(t *testing.T, keys ...ed25519.PrivateKey) (ended chan struct{}) {
	socket := filepath.Join(t.TempDir(), "agent")
	t.Setenv("SSH_AUTH_SOCK", socket)
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	ring := agent.NewKeyring()
	for _, key := range keys {
		require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: key}))
	}
	ended = make(chan struct{}, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = agent.ServeAgent(ring, conn)
				conn.Close()
				ended <- struct{}{}
			}()
		}
	}()
	return ended
}

// The agent's keys are tried, after that of KeyPath, and its connection is closed
// when SSH's has been made.
func TestAgent(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	right, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	ended := fakeAgent(t, private)
	s := start(t)
	s.user.Store(string(right.Marshal()))
	c := s.client(func(cfg *Config) {
		cfg.Password, cfg.Agent, cfg.KeyPath = "", true, keyFile(t)
	})
	defer c.Close()
	for range 3 {
		require.NoError(t, write(t, c, "x"))
		select {
		case <-ended:
		case <-t.Context().Done():
		}
		s.drop()
	}
	assert.Empty(t, ended)
}

// The key of KeyPath is enough, with a passphrase and without.
func TestKeyPath(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	plain, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	s := start(t)
	for passphrase, key := range map[string][]byte{"": pem.EncodeToMemory(plain), "t0p-key": []byte(encryptedKey)} {
		name := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(name, key, 0o600))
		signer, err := ssh.ParsePrivateKey(key)
		if passphrase != "" {
			signer, err = ssh.ParsePrivateKeyWithPassphrase(key, []byte(passphrase))
		}
		require.NoError(t, err)
		s.user.Store(string(signer.PublicKey().Marshal()))
		client := func(passphrase string) *ReplicaClient {
			return s.client(func(cfg *Config) { cfg.Password, cfg.KeyPath, cfg.KeyPassphrase = "", name, passphrase })
		}
		c := client(passphrase)
		require.NoError(t, write(t, c, "x"))
		require.NoError(t, c.Close())
		if passphrase != "" {
			for _, wrong := range []string{"", "another"} {
				err = client(wrong).Init(t.Context())
				require.ErrorIs(t, err, fs.ErrInvalid)
				assert.ErrorContains(t, err, "want a private key, with its KeyPassphrase")
			}
		}
	}
}

// encryptedKey was made by ssh-keygen -a 1 -N t0p-key. The 16 rounds of the default take seconds
// under the race detector.
const encryptedKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCgilGKHx
9+elXCjAl+nJF0AAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIJ4oIua86FkwFOl8
35/mhXoiirzKrTHOmFL2F/Ue7WoMAAAAkOGO+8vwVBCLjqrZIdESssNL2jDcXR+WnmBNmv
Ohqg5xj0I8wA4ELvn79vkH3fOuQXMWpQxZGssnSYaweFgdcO81VdrXKDyT3Ex7ZwWUs8Li
pMz0mF3JiqHAhG2ur6ZB/ZD1u3gNnxMRApszDt0y2l1xecH/DR4UopIMYZg9nA1XMY7gOt
5nnZrrZc8b82OLUA==
-----END OPENSSH PRIVATE KEY-----
`

// An agent that does not answer does not outlast the context.
func TestSilentAgent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "agent")
	t.Setenv("SSH_AUTH_SOCK", socket)
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := l.Accept()
		if err == nil {
			defer conn.Close()
			cancel()
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	s := start(t)
	c := s.client(func(cfg *Config) { cfg.Password, cfg.Agent = "", true })
	_, err = c.LTXLevels(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// keyFile writes a private key that no server knows.
func keyFile(t *testing.T) string {
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(block), 0o600))
	return name
}
