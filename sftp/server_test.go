package sftp

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/crypto/ssh"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/dirstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const password = "open-sesame"

// testServer is an SSH server on loopback, whose files are in a directory.
type testServer struct {
	dir, key string
	listener net.Listener
	config   *ssh.ServerConfig
	handlers *sftp.Handlers // instead of the directory
	noSFTP   bool
	claims   string // an extension that it does not have
	rejects  bool   // sessions
	endsSFTP bool   // when it has been started
	down     atomic.Bool
	dials    atomic.Int64
	cut      atomic.Int64 // if more than 0, a connection ends after so many bytes
	user     atomic.Value // the public key that may log in, in its wire format

	mu    sync.Mutex
	conns []net.Conn
}

// newServer returns a server with more keys of its own.
func newServer(more ...ssh.Signer) (*testServer, error) {
	dir, err := os.MkdirTemp("", "sftp")
	if err != nil {
		return nil, err
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	s := &testServer{dir: dir, key: string(ssh.MarshalAuthorizedKey(signer.PublicKey()))}
	s.config = &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if string(given) != password {
			return nil, errors.New("wrong")
		}
		return nil, nil
	}, PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != s.user.Load() {
			return nil, errors.New("wrong")
		}
		return nil, nil
	}}
	for _, signer := range append(more, signer) {
		s.config.AddHostKey(signer)
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s, nil
}

func (s *testServer) serve(conn net.Conn) {
	defer conn.Close()
	up, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	defer up.Close()
	go ssh.DiscardRequests(requests)
	for open := range channels {
		if s.rejects {
			open.Reject(ssh.ResourceShortage, "too many sessions")
			continue
		}
		channel, requests, err := open.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				r.Reply(r.Type == "subsystem" && !s.noSFTP, nil)
				if s.endsSFTP {
					channel.Close()
				}
			}
		}()
		if s.claims != "" {
			channel = &claiming{Channel: channel, extension: s.claims}
		}
		var server interface{ Serve() error }
		if s.handlers != nil {
			server = sftp.NewRequestServer(channel, *s.handlers)
		} else if server, err = sftp.NewServer(channel, sftp.WithServerWorkingDirectory(s.dir)); err != nil {
			return
		}
		_ = server.Serve()
		channel.Close()
	}
}

// dial is a Config.Dial.
func (s *testServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.dials.Add(1)
	if s.down.Load() {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, conn)
	if n := s.cut.Load(); n > 0 {
		return &cutConn{Conn: conn, left: n}, nil
	}
	return conn, nil
}

// drop ends every connection.
func (s *testServer) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

func (s *testServer) close() error {
	s.listener.Close()
	s.drop()
	return os.RemoveAll(s.dir)
}

// cutConn breaks after so many bytes were received.
type cutConn struct {
	net.Conn
	left int64
}

func (c *cutConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func (s *testServer) client(change func(*Config)) *ReplicaClient {
	cfg := Config{Host: s.listener.Addr().String(), User: "u", Password: password, HostKey: s.key, Path: "backups/db", Dial: s.dial,
		Retry: ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Microsecond}, Logger: slog.New(slog.DiscardHandler)}
	change(&cfg)
	return NewReplicaClient(cfg)
}

func same(*Config) {}

func TestConformance(t *testing.T) {
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			s, err := newServer()
			if err != nil {
				return replicatest.Store{}, err
			}
			return s.store(), nil
		},
		Lacks: []replicatest.Capability{
			// A level is listed in one request.
			replicatest.CountedRequests, replicatest.FailingLists,
			// The library's server has no faults: see TestReconnect and TestCutTransfers.
			replicatest.FailingLookups, replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.FailingDeletes,
			// The server is in this process.
			replicatest.BoundedMemory,
			// SFTP's times have whole seconds.
			replicatest.PreciseTimes,
		},
		Secrets: []string{password}, PageSize: 40, BodySize: 1 << 20, LargeSize: 8 << 20,
		IgnoreGoroutine: func(stack string) bool {
			return strings.Contains(stack, "crypto/ssh") || strings.Contains(stack, "sftp.")
		},
	})
}

func (s *testServer) store() replicatest.Store {
	var clients []*ReplicaClient
	with := func(change func(*Config)) (ltxstore.ReplicaClient, error) {
		c := s.client(change)
		clients = append(clients, c)
		return c, nil
	}
	first, _ := with(same)
	var keys backend.Keys
	raw := dirstore.Raw(filepath.Join(s.dir, "backups/db"), keys)
	raw.Leave = func(ctx context.Context) error {
		return raw.Put(ctx, path.Join("ltx/0000", "."+ltx.FormatFilename(77, 77)+".1-2.tmp"), []byte("half"))
	}
	return replicatest.Store{
		Client:  first,
		Another: func() (ltxstore.ReplicaClient, error) { return with(same) },
		Once:    func() (ltxstore.ReplicaClient, error) { return with(func(c *Config) { c.WriteOnce = true }) },
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return with(func(c *Config) { c.Path += suffix })
		},
		Parent: func() (ltxstore.ReplicaClient, error) { return with(func(c *Config) { c.Path = "backups" }) },
		Missing: func() (ltxstore.ReplicaClient, error) {
			return with(func(c *Config) { c.Path, c.MustExist = "nowhere", true })
		},
		Raw:    raw,
		Faults: &replicatest.Faults{Unreachable: func() { s.down.Store(true); s.drop() }},
		Close: func() error {
			for _, c := range clients {
				c.Close()
			}
			return s.close()
		},
	}
}

func start(t *testing.T, more ...ssh.Signer) *testServer {
	t.Helper()
	s, err := newServer(more...)
	require.NoError(t, err)
	t.Cleanup(func() { s.close() })
	return s
}

func write(t *testing.T, c *ReplicaClient, content string) error {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader(content))
	return err
}

func read(t *testing.T, c *ReplicaClient) (string, error) {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

// A connection that is lost between two operations is made again.
func TestReconnect(t *testing.T) {
	s := start(t)
	c := s.client(same)
	defer c.Close()
	require.NoError(t, write(t, c, "one"))
	s.drop()
	require.NoError(t, write(t, c, "two"))
	s.drop()
	got, err := read(t, c)
	require.NoError(t, err)
	assert.Equal(t, "two", got)
	assert.LessOrEqual(t, s.dials.Load(), int64(3))

	s.down.Store(true)
	s.drop()
	require.ErrorIs(t, write(t, c, "three"), ltxstore.ErrUnavailable)
	require.NoError(t, c.Close())
	s.down.Store(false)
	got, err = read(t, c)
	require.NoError(t, err)
	assert.Equal(t, "two", got)
}

// A transfer goes on where it was cut, unless the file is another by then.
func TestCutTransfers(t *testing.T) {
	s := start(t)
	content := strings.Repeat("0123456789abcdef", 128<<10)
	require.NoError(t, write(t, s.client(same), content))
	s.cut.Store(800 << 10)
	c := s.client(same)
	defer c.Close()
	s.dials.Store(0)
	got, err := read(t, c)
	require.NoError(t, err)
	assert.Equal(t, content, got)
	assert.Greater(t, s.dials.Load(), int64(2))

	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	_, err = io.CopyN(io.Discard, r, 1000)
	require.NoError(t, err)
	s.cut.Store(0)
	require.NoError(t, write(t, s.client(same), strings.Repeat("0123456789abcdeF", 128<<10)))
	s.drop()
	_, err = io.Copy(io.Discard, r)
	require.ErrorContains(t, err, "replaced")
	assert.False(t, ltxstore.IsRetryable(err))
}

func TestRefusals(t *testing.T) {
	s := start(t)
	err := write(t, s.client(func(c *Config) { c.Password = "wrong-password" }), "x")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.NotContains(t, err.Error(), "wrong-password")
	other := start(t)
	err = write(t, s.client(func(c *Config) { c.HostKey = other.key }), "x")
	require.ErrorContains(t, err, "host key")
	assert.False(t, ltxstore.IsRetryable(err))
	require.NoError(t, write(t, s.client(func(c *Config) { c.HostKey, c.InsecureIgnoreHostKey = "", true }), "x"))

	known := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(known, []byte(""), 0o600))
	cfg := func(c *Config) { c.HostKey, c.KnownHosts = "", known }
	require.ErrorContains(t, write(t, s.client(cfg), "x"), "unknown")
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	require.NoError(t, os.WriteFile(known, []byte("["+host+"]:"+port+" "+s.key), 0o600))
	require.NoError(t, write(t, s.client(cfg), "x"))

	t.Setenv("SSH_AUTH_SOCK", "")
	t.Setenv("HOME", "")
	for field, change := range map[string]func(*Config){
		"Host":       func(c *Config) { c.Host = "" },
		"User":       func(c *Config) { c.User = "" },
		"Password":   func(c *Config) { c.Password = "" },
		"Path":       func(c *Config) { c.Path = "a\x00b" },
		"HostKey":    func(c *Config) { c.HostKey = "nonsense" },
		"KnownHosts": func(c *Config) { c.HostKey, c.KnownHosts = "", filepath.Join(t.TempDir(), "none") },
		"KeyPath":    func(c *Config) { c.KeyPath = known },

		"Agent is true: want the environment variable": func(c *Config) { c.Agent = true },
		"want a HostKey or a file of known hosts":      func(c *Config) { c.HostKey = "" },
		"KeepAlive is -1s":                             func(c *Config) { c.KeepAlive = -time.Second },
		"KeyPath is \"none\": want a readable file":    func(c *Config) { c.KeyPath = "none" },
	} {
		err := s.client(change).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid, field)
		assert.ErrorContains(t, err, field)
	}
}

// A context that ends while the server is silent ends the call.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := s.client(func(c *Config) {
		c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			defer cancel()
			return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		}
	})
	_, err = c.LTXLevels(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestOpenURL(t *testing.T) {
	s := start(t)
	client, err := ltxstore.Open(t.Context(), "sftp://u:"+password+"@"+s.listener.Addr().String()+s.dir+"/deep?insecure-ignore-host-key=true")
	require.NoError(t, err)
	defer ltxstore.Close(client)
	_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("x"))
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(s.dir, "deep/ltx/0000", ltx.FormatFilename(1, 1)))
	for _, bad := range []string{"sftp:///path", "sftp://host/path", "sftp://u@host/path", "sftp://u:p@host/path?nonsense=1"} {
		_, err := ltxstore.Open(t.Context(), bad)
		assert.Error(t, err, bad)
	}
}

// linker answers to a link as it likes.
type linker struct {
	sftp.FileCmder
	link func(*sftp.Request) error
}

func (l linker) Filecmd(request *sftp.Request) error {
	if request.Method == "Link" {
		return l.link(request)
	}
	return l.FileCmder.Filecmd(request)
}

func (l linker) PosixRename(request *sftp.Request) error {
	return l.FileCmder.(sftp.PosixRenameFileCmder).PosixRename(request)
}

// Where a link is something else, a file that exists would be replaced, or none
// be made: a write with write-once is refused, and leaves nothing.
func TestNoLinks(t *testing.T) {
	for says, link := range map[string]func(sftp.FileCmder, *sftp.Request) error{
		"renames instead of linking": func(f sftp.FileCmder, r *sftp.Request) error {
			return f.(sftp.PosixRenameFileCmder).PosixRename(r)
		},
		"acknowledges a link without creating it": func(sftp.FileCmder, *sftp.Request) error { return nil },
		"WriteOnce needs hard links":              func(sftp.FileCmder, *sftp.Request) error { return sftp.ErrSSHFxOpUnsupported },
	} {
		s := start(t)
		handlers := sftp.InMemHandler()
		inner := handlers.FileCmd
		handlers.FileCmd = linker{inner, func(r *sftp.Request) error { return link(inner, r) }}
		s.handlers = &handlers
		rooted := func(cfg *Config) { cfg.Path = "/db" }
		c := s.client(rooted)
		defer c.Close()
		require.NoError(t, write(t, c, "one"))
		once := s.client(func(cfg *Config) { rooted(cfg); cfg.WriteOnce = true })
		defer once.Close()
		for _, content := range []string{"two", "one"} {
			err := write(t, once, content)
			require.ErrorIs(t, err, errors.ErrUnsupported)
			assert.ErrorContains(t, err, says)
		}
		_, err := once.WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader("new"))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		got, err := read(t, c)
		require.NoError(t, err)
		assert.Equal(t, "one", got)
		there, err := handlers.FileList.Filelist(sftp.NewRequest("List", "/db/ltx/0000"))
		require.NoError(t, err)
		names := make([]fs.FileInfo, 9)
		n, err := there.ListAt(names, 0)
		require.ErrorIs(t, err, io.EOF)
		assert.Equal(t, 1, n, "a temporary is left: %v", names[:n])
	}
}
