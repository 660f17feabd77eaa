package webdav

import (
	"fmt"
	"log/slog"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config is the location of a replica and the options for reaching the server.
// URL is required; the zero value of every other field is its default.
//
// No fmt verb, JSON or log shows the secrets of a Config.
type Config struct {
	// URL is the server's URL, with the path below which it serves WebDAV:
	// "https://cloud.example.com/remote.php/dav/files/me".
	URL string `ltx:"webdav-url,endpoint" default:"required" help:"The server's URL, with the path below which it serves WebDAV."`

	// Path is the replica's root directory below URL.
	Path string `ltx:"path,path" default:"the URL's directory" help:"The replica's root directory below the URL."`

	// Layout names the files below Path.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	// Username and Password are sent by basic authentication. If BearerToken is
	// set, it is sent instead of them. They are sent to URL only, and redirects
	// are not followed.
	Username    string `ltx:"webdav-username,user" default:"none" help:"The account. The URL's user."`
	Password    string `ltx:"webdav-password,secret" default:"none" help:"The account's password. The URL's password." json:"-"`
	BearerToken string `ltx:"bearer-token,secret,not=webdav-password" default:"none" help:"A token that is sent instead of account and password." json:"-"`

	// HTTP configures the connections to the server, which all clients with the same
	// options share. Set IdleTimeout in Options, not in HTTP.
	HTTP transport.Options `ltx:"" idle-timeout:"-"`

	// AtomicMove says whether the server's MOVE replaces a file in one step, so
	// that readers find either the old or the new file. A missing file is then not
	// looked up twice. If it is nil, Init detects it: true for nginx with dav-ext.
	AtomicMove *bool `ltx:"atomic-move" default:"detected" help:"Whether the server's MOVE replaces a file in one step."`

	tree.Options

	Retry ltxstore.Retry `ltx:"retry"`

	// Logger is used for all logs. Nil means slog.Default.
	Logger *slog.Logger `ltx:"-"`
}

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its secrets, also for JSON and
// log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }
