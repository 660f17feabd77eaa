package webdav

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config says where a replica is and how the server is reached. URL is
// required; the zero value of every other field is its default.
//
// Printing a Config shows no secret, with any verb, as text, in JSON and in a
// log.
type Config struct {
	// URL is the server's, with the path below which it serves WebDAV:
	// "https://cloud.example.com/remote.php/dav/files/me".
	URL string `ltx:"webdav-url" default:"required" help:"The server's URL, with the path below which it serves WebDAV."`

	// Path is the replica's root directory below URL.
	Path string `ltx:"path,path" default:"the URL's directory" help:"The replica's root directory below the URL."`

	// Layout names the files below Path.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// Username and Password are sent by basic authentication, BearerToken
	// instead of them. They are sent to URL only, and no redirection is followed.
	Username    string `ltx:"webdav-username" default:"none" help:"The account. The URL's user."`
	Password    string `ltx:"webdav-password,secret" default:"none" help:"The account's password. The URL's password." json:"-"`
	BearerToken string `ltx:"bearer-token,secret,not=webdav-password" default:"none" help:"A token that is sent instead of account and password." json:"-"`

	InsecureSkipVerify bool   `ltx:"skip-verify" default:"false" help:"Accept any TLS certificate: for tests."`
	CABundle           string `ltx:"ca-bundle" default:"the system's" help:"A file of PEM certificates that are trusted instead of the system's."`

	// AtomicMove says whether the server's MOVE replaces a file in one step, so
	// that readers find the old one or the new one. A file that is missing is
	// then not looked for again. Nil means what Init finds out: true for nginx
	// with dav-ext.
	AtomicMove *bool `ltx:"atomic-move" default:"what is known of the server" help:"Whether the server's MOVE replaces a file in one step."`

	tree.Options
	ResponseTimeout time.Duration `ltx:"response-timeout" default:"1m" help:"How long a request may wait for the beginning of its answer."`

	Retry ltxstore.Retry `ltx:"retry"`

	// RoundTripper sends the requests. Nil means a transport of the client's
	// own, by the fields above.
	RoundTripper http.RoundTripper `ltx:"-"`

	// Logger gets the log. Nil means slog.Default.
	Logger *slog.Logger `ltx:"-"`
}

// String returns the settings that are not zero, without secrets.
func (cfg Config) String() string { return settings.Text("webdav.Config", cfg) }

// GoString is String: %#v must not show a secret either.
func (cfg Config) GoString() string { return cfg.String() }

// Format is String for every verb: %d would show the fields as they are.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText is String: so is what JSON says of a Config.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }

// LogValue keeps secrets out of a log that is given a Config.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(cfg.String()) }

func (cfg Config) withDefaults() Config {
	cfg.Options = cfg.Options.WithDefaults()
	cfg.ResponseTimeout = cmp.Or(cfg.ResponseTimeout, time.Minute)
	return cfg
}

// validate checks the fields, and returns the URL.
func (cfg Config) validate() (*url.URL, error) {
	if err := settings.Validate(typeName, cfg); err != nil {
		return nil, err
	}
	at, err := url.Parse(cfg.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return nil, backend.Invalid(typeName, "init", "URL", ltxstore.Redact(cfg.URL), "want http://HOST/PATH or https://HOST/PATH without user, query and fragment")
	}
	return at, nil
}

func (cfg Config) transport() (http.RoundTripper, error) {
	if cfg.RoundTripper != nil {
		return cfg.RoundTripper, nil
	}
	return transport.New(transport.Options{
		MaxIdleConns:       max(cfg.MetadataConcurrency, cfg.DeleteConcurrency),
		IdleConnTimeout:    90 * time.Second,
		ResponseTimeout:    cfg.ResponseTimeout,
		InsecureSkipVerify: cfg.InsecureSkipVerify,
		CABundle:           cfg.CABundle,
	})
}
