package nats

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config says where a replica is and how it is written. Bucket is required; the
// zero value of every other field is its default. Init refuses a bad field
// before any request, with its name, its value and what would be right.
//
// Printing a Config shows no secret, with any verb, as text, in JSON and in a
// log.
type Config struct {
	// URL is the server's, nats://HOST:PORT or tls://HOST:PORT, or those of
	// several servers of a cluster, separated by commas. Empty is
	// nats://127.0.0.1:4222. It has no user: see Username.
	URL string `ltx:"servers" default:"'nats://127.0.0.1:4222'" help:"The server's URL, or those of a cluster's servers, separated by commas."`

	// Bucket is the object store's name, which must exist: letters, digits,
	// hyphens and underscores.
	Bucket string `ltx:"bucket" match:"^[a-zA-Z0-9_-]*$" want:"letters, digits, hyphens and underscores; a path belongs into Path" default:"required" help:"The object store's name."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root, where Litestream keeps its replica.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout names the files below Path. Litestream's replicas have
	// ltxstore.LayoutLitestream.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// One way to authenticate at the most: Username and Password; Token; JWT,
	// a user's token, with Seed, its private key; Creds, a file that has both;
	// NKey, a file that has a seed, or a seed (SU…), or a public key (U…) with
	// Seed.
	Username string `ltx:"username" default:"none" help:"The user."`
	Password string `ltx:"password,secret" default:"none" help:"The user's password." json:"-"`
	Token    string `ltx:"token,secret,not=username" default:"none" help:"A token instead of a user." json:"-"`
	JWT      string `ltx:"jwt,secret,not=username,not=token" default:"none" help:"A user's JWT, with 'seed'." json:"-"`
	Seed     string `ltx:"seed,secret" default:"none" help:"The private key of 'jwt', or of a public 'nkey'." json:"-"`
	Creds    string `ltx:"creds,not=username,not=token,not=jwt" default:"none" help:"A file of a user's JWT and private key."`
	NKey     string `ltx:"nkey,secret,not=username,not=token,not=jwt,not=creds" default:"none" help:"A file of a user's seed, the seed, or the public key of 'seed'." json:"-"`

	// TLS requires TLS, which is also used if the server requires it, or one
	// of the following is set. RootCAs are files of PEM certificates that are
	// trusted instead of the system's; ClientCert and ClientKey are the files
	// of the client's own certificate. InsecureSkipVerify accepts any
	// certificate: for tests.
	TLS                bool     `ltx:"tls" default:"false" help:"Require TLS."`
	RootCAs            []string `ltx:"root-cas" default:"the system's" help:"Files of PEM certificates that are trusted instead of the system's."`
	ClientCert         string   `ltx:"client-cert" default:"none" help:"A file of the client's certificate."`
	ClientKey          string   `ltx:"client-key" default:"none" help:"The file of its key."`
	InsecureSkipVerify bool     `ltx:"skip-verify,not=root-cas" default:"false" help:"Accept any TLS certificate: for tests."`

	// MaxReconnects is how often each server is tried after a connection is
	// lost, before the next request makes another; 0 means without end.
	// ReconnectWait is how long to wait between two tries; 0 means 2 s. Timeout
	// is how long connecting may take; 0 means 10 s.
	MaxReconnects Reconnects    `ltx:"max-reconnects,kind=number" default:"no bound" help:"How often a server is tried after a connection is lost, before the next request makes another."`
	ReconnectWait time.Duration `ltx:"reconnect-wait" default:"2s" help:"How long to wait between two tries."`
	Timeout       time.Duration `ltx:"timeout" default:"10s" help:"How long connecting may take."`

	// IdleTimeout is how long a request may wait for its answer, and a transfer
	// make no progress. 0 means one minute.
	IdleTimeout time.Duration `ltx:"idle-timeout" default:"1m" help:"How long a request may wait for its answer, and a transfer make no progress."`

	// ChunkSize is the size in bytes of the messages that a file is cut into: 1
	// KiB to 64 MiB, and not more than the server's max_payload, less 1 KiB. 0
	// means 128 KiB, as NATS's own clients have it.
	ChunkSize int64 `ltx:"chunk-size,size,min=1KiB,max=64MiB" default:"128KiB" help:"The size of the messages that a file is cut into: at most the server's 'max_payload' less 1 KiB."`

	// MetadataConcurrency is how many headers are read at once in a listing with
	// useMetadata, of files that another tool has written without their times; 0
	// means 8. ReadConcurrency is how many ranges of a large file are read at
	// once; 0 means 1. DeleteConcurrency is how many deletions are under way at
	// once; 0 means 8.
	MetadataConcurrency int `ltx:"metadata-concurrency,max=1000" default:"8" help:"Headers read at once in a listing, where another tool has written files without their times."`
	ReadConcurrency     int `ltx:"read-concurrency,max=1000" default:"1" help:"Ranges of a large file read at once."`
	DeleteConcurrency   int `ltx:"delete-concurrency,max=1000" default:"8" help:"Deletions under way at once."`

	// WriteOnce refuses to write a file that exists with other content (W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// Retry is how failed requests are repeated.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger gets the log. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-"`
}

// Reconnects is a number of tries to reconnect; 0 means without end.
type Reconnects uint32

// UnmarshalText reads a number. -1, which Litestream's files have, is 0.
func (n *Reconnects) UnmarshalText(text []byte) error {
	if string(text) == "-1" {
		*n = 0
		return nil
	}
	tries, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil {
		return errors.New("want a whole number from 0 on, or -1 for no bound")
	}
	*n = Reconnects(tries)
	return nil
}

const defaultURL = "nats://127.0.0.1:4222"

// defaultChunkSize is that of NATS's own clients.
const defaultChunkSize = 128 << 10

func (cfg Config) withDefaults() Config {
	cfg.URL = cmp.Or(cfg.URL, defaultURL)
	cfg.ReconnectWait = cmp.Or(cfg.ReconnectWait, 2*time.Second)
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, time.Minute)
	cfg.ChunkSize = cmp.Or(cfg.ChunkSize, defaultChunkSize)
	cfg.MetadataConcurrency = cmp.Or(cfg.MetadataConcurrency, 8)
	cfg.ReadConcurrency = cmp.Or(cfg.ReadConcurrency, 1)
	cfg.DeleteConcurrency = cmp.Or(cfg.DeleteConcurrency, 8)
	return cfg
}

// String returns the settings that are not zero, without secrets.
func (cfg Config) String() string { return settings.Text("nats.Config", cfg) }

// GoString is String: %#v must not show a secret either.
func (cfg Config) GoString() string { return cfg.String() }

// Format is String for every verb: %d would show the fields as they are.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText is String: so is what JSON says of a Config.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }

// LogValue keeps secrets out of a log that is given a Config.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(cfg.String()) }
