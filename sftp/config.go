package sftp

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/tree"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config is the location of a replica and the options for reaching the server.
// Host, User, a way to authenticate and a way to check the server's key are
// required; the zero value of every other field is its default.
//
// No fmt verb, JSON or log shows the secrets of a Config.
type Config struct {
	// Host is the server's name or address, with a port if it is not 22:
	// "backup.example.com", "192.0.2.7:2222", "[2001:db8::7]:22".
	Host string `ltx:"host,endpoint" default:"required" help:"The server, with a port if it is not 22."`

	// Path is the replica's root directory: absolute, or relative to the directory
	// in which the server starts the session, usually the home directory.
	Path string `ltx:"path" match:"^[^\\x00]*$" want:"no NUL byte" default:"the user's directory" help:"The replica's root directory on the server."`

	// Layout names the files below Path.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	// User and Password are those of the account. KeyPath is a file with a private
	// key, and KeyPassphrase its passphrase, which may be empty. Agent uses the keys
	// of the SSH agent at SSH_AUTH_SOCK. Keys are tried before the password.
	User          string `ltx:"user" default:"required" help:"The account on the server. The URL's user."`
	Password      string `ltx:"password,secret" default:"none" help:"The account's password. The URL's password." json:"-"`
	KeyPath       string `ltx:"key-path" default:"none" help:"A file with a private key."`
	KeyPassphrase string `ltx:"key-passphrase,secret" default:"none" help:"The passphrase of that key." json:"-"`
	Agent         bool   `ltx:"agent" default:"false" help:"Use the keys of the SSH agent at 'SSH_AUTH_SOCK'."`

	// HostKey is the server's public key as in an authorized_keys file. Without it,
	// the key must be in the file KnownHosts. InsecureIgnoreHostKey accepts any key:
	// an attacker on the network can then read and change everything.
	HostKey               string `ltx:"host-key" default:"none" help:"The server's public key: 'ssh-ed25519 AAAA…'."`
	KnownHosts            string `ltx:"known-hosts,not=host-key" default:"'~/.ssh/known_hosts'" help:"A file of servers' public keys."`
	InsecureIgnoreHostKey bool   `ltx:"insecure-ignore-host-key,not=host-key" default:"false" help:"Accept any server key: for tests."`

	// DialTimeout limits how long the connection and the handshake take. KeepAlive
	// is the interval at which an idle connection is checked; the server must
	// respond within the same time.
	DialTimeout time.Duration `ltx:"dial-timeout" default:"30s" help:"How long connecting may take."`
	KeepAlive   time.Duration `ltx:"keep-alive" default:"30s" help:"How often an idle connection is checked."`

	// ConcurrentWrites sends several packets of a file at a time; nil means true.
	ConcurrentWrites *bool `ltx:"concurrent-writes" default:"true" help:"Send several packets of a file at a time."`

	tree.Options

	Retry ltxstore.Retry `ltx:"retry"`

	// Dial connects to the server. Nil means a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `ltx:"-"`

	// Logger is used for all logs. Nil means slog.Default.
	Logger *slog.Logger `ltx:"-"`
}

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its secrets, also for JSON and
// log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }

func (cfg Config) withDefaults() Config {
	cfg.DialTimeout = cmp.Or(cfg.DialTimeout, 30*time.Second)
	cfg.KeepAlive = cmp.Or(cfg.KeepAlive, 30*time.Second)
	cfg.Options = cfg.Options.WithDefaults()
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{}).DialContext
	}
	return cfg
}

// address returns the host with its port.
func (cfg Config) address() string {
	if _, _, err := net.SplitHostPort(cfg.Host); err == nil {
		return cfg.Host
	}
	return net.JoinHostPort(strings.Trim(cfg.Host, "[]"), "22")
}
