package nats

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config is the location of a replica and the options for reading and writing
// it. Bucket is required; the zero value of every other field is its default. If
// a field is invalid, Init fails before any request, with the field's name, its
// value and what is expected.
//
// No fmt verb, JSON or log shows the secrets of a Config.
type Config struct {
	// URL is the server's URL, nats://HOST:PORT or tls://HOST:PORT, or those of
	// several servers of a cluster, separated by commas. Empty is
	// nats://127.0.0.1:4222. It must not contain a user: see Username.
	URL string `ltx:"servers,endpoint" default:"'nats://127.0.0.1:4222'" help:"The server's URL, or those of a cluster's servers, separated by commas."`

	// Bucket is the name of an existing object store: letters, digits, hyphens
	// and underscores.
	Bucket string `ltx:"bucket" match:"^[a-zA-Z0-9_-]*$" want:"letters, digits, hyphens and underscores; a path belongs in Path" default:"required" help:"The object store's name."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root, where Litestream keeps its replica.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout names the files below Path. Litestream's replicas have
	// ltxstore.LayoutLitestream.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	// At most one way to authenticate may be set: Username and Password; Token;
	// JWT with Seed, its private key; Creds, a file that contains both; or NKey,
	// which is a seed (SU…), a file that contains one, or a public key (U…) with
	// Seed.
	Username string `ltx:"username,user" default:"none" help:"The user."`
	Password string `ltx:"password,secret" default:"none" help:"The user's password." json:"-"`
	Token    string `ltx:"token,secret,not=username" default:"none" help:"A token instead of a user." json:"-"`
	JWT      string `ltx:"jwt,secret,not=username,not=token" default:"none" help:"A user's JWT, with 'seed'." json:"-"`
	Seed     string `ltx:"seed,secret" default:"none" help:"The private key of 'jwt', or of a public 'nkey'." json:"-"`
	Creds    string `ltx:"creds,not=username,not=token,not=jwt" default:"none" help:"A file with a user's JWT and private key."`
	NKey     string `ltx:"nkey,secret,not=username,not=token,not=jwt,not=creds" default:"none" help:"A file with a user's seed, the seed itself, or the public key of 'seed'." json:"-"`

	// TLS requires TLS, which is also used if the server requires it or one of
	// the following fields is set. RootCAs are files with PEM certificates that
	// are trusted instead of the system's; ClientCert and ClientKey are the files
	// of the client's own certificate. InsecureSkipVerify accepts any certificate:
	// for tests.
	TLS                bool     `ltx:"tls" default:"false" help:"Require TLS."`
	RootCAs            []string `ltx:"root-cas" default:"the system's" help:"Files with PEM certificates that are trusted instead of the system's."`
	ClientCert         string   `ltx:"client-cert" default:"none" help:"A file of the client's certificate."`
	ClientKey          string   `ltx:"client-key" default:"none" help:"The file of its key."`
	InsecureSkipVerify bool     `ltx:"skip-verify,not=root-cas" default:"false" help:"Accept any TLS certificate: for tests."`

	// A request after a lost connection makes a new one, and is repeated according to
	// Retry. Watch makes a new connection too, after ReconnectWait, and again at most
	// MaxReconnects times in a row; 0 and -1 mean no limit, a ReconnectWait of 0 means 2 s.
	// Timeout is how long connecting may take; 0 means 10 s.
	MaxReconnects int           `ltx:"max-reconnects,min=-1" default:"no limit" help:"How often Watch connects again, in a row, after its connection was lost."`
	ReconnectWait time.Duration `ltx:"reconnect-wait" default:"2s" help:"How long Watch waits before it connects again."`
	Timeout       time.Duration `ltx:"timeout" default:"10s" help:"How long connecting may take."`

	// IdleTimeout is how long a request may wait for its response, and a transfer
	// may make no progress. 0 means one minute.
	IdleTimeout time.Duration `ltx:"idle-timeout" default:"1m" help:"How long a request may wait for its response, and a transfer may make no progress."`

	// Transfer sets the sizes and the concurrency of transfers. PartSize is the
	// size in bytes of the messages that a file is split into: 1 KiB to 64 MiB,
	// and at most the server's max_payload less 1 KiB. 0 means 128 KiB, as in
	// NATS's own clients. ReadConcurrency is 1 by default. MetadataConcurrency, for
	// files that another tool wrote without their times, is 8. The other fields
	// except DeleteConcurrency must be 0.
	Transfer object.Options `ltx:"" part-size:"chunk-size,min=1KiB,max=64MiB; 128KiB; The size of the messages that a file is split into: at most the server's 'max_payload' less 1 KiB." upload-threshold:"-" concurrency:"-" read-memory:"-" page-size:"-" metadata-concurrency:",max=1000; 8; Headers read at a time in a listing, for files that another tool wrote without their times." read-concurrency:",max=1000; 1; Ranges of a large file read at a time." delete-concurrency:",max=1000; 8; Deletions in progress at a time."`

	// WriteOnce makes writing a file fail if it exists with other content (W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// Retry sets how often a failed request is repeated, and the waits between.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger is used for all logs. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-"`
}

const defaultURL = "nats://127.0.0.1:4222"

func (cfg Config) withDefaults() Config {
	cfg.URL = cmp.Or(cfg.URL, defaultURL)
	cfg.ReconnectWait = cmp.Or(cfg.ReconnectWait, 2*time.Second)
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, time.Minute)
	cfg.Transfer = cfg.Transfer.WithDefaults(object.Options{PartSize: defaultChunkSize, ReadConcurrency: 1, MetadataConcurrency: 8})
	return cfg
}

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its secrets, also for JSON and
// log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }
