// Package config reads the replicas of a daemon's configuration, in YAML or
// JSON. It reads the replica sections of a litestream.yml as they are, alone
// or in their file.
//
// The settings of a replica are those of its URL's query: one resolver reads
// both, and docs/configuration.md lists them, with those of the wrappers. A
// backend must be imported to be known, and so must a wrapper:
//
//	import _ "github.com/ltxstore/ltxstore/s3"
//	import _ "github.com/ltxstore/ltxstore/wrap/crypt"
//
// Nothing is ignored. What is not known is an error with its line and column,
// and so is what would not be done, such as the encryption that "age" asks for
// where wrap/crypt is not imported. What Litestream
// has for its daemon, not for a replica's store (sync-interval, retention, …),
// is handed back as Daemon settings: the daemon must look at them.
package config

import (
	"context"
	"fmt"
	"log/slog"
	"path"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Options say how a configuration is read. The zero value is the default.
type Options struct {
	// Litestream gives replicas that name no layout the layout that Litestream
	// writes: LayoutLitestreamS3 in S3, else LayoutLitestream. The replicas
	// below "dbs", which only a litestream.yml has, have it always. All others
	// have LayoutDefault.
	Litestream bool

	// NoExpandEnv takes values as they are. By default $NAME and ${NAME} in
	// them are replaced by the environment's, ${NAME:-TEXT} by TEXT if there
	// is none, $PID by the process's ID, and $$ by a dollar sign. A variable
	// that is not set is an error in a replica's settings, and nothing in the
	// daemon's, as in Litestream. Keys and comments are never expanded.
	NoExpandEnv bool

	// Getenv looks up the environment. nil is os.LookupEnv.
	Getenv func(key string) (string, bool)

	warnings *[]Warning // of one replica or one file
}

// Replica is a replica section that can be opened. Printing it shows no
// secret.
type Replica struct {
	name   string
	source func() *ltxstore.Source // fmt looks into no function
	daemon []Setting

	warnings    []Warning
	unsupported error
	litestream  func() string // the URL as it is written, if the place is Litestream's
}

// Setting is a setting that is the daemon's to act on. Key has dots where
// sections are nested, and a list's item its number: "levels.0.interval".
// Line and Column are 0 where the parser does not tell them.
type Setting struct {
	Key, Value   string
	Line, Column int
}

// Name returns the section's "name", which Litestream has deprecated.
func (r Replica) Name() string { return r.name }

// Type returns the backend's scheme: "file", "s3".
func (r Replica) Type() string { return r.Source().Type }

// Source returns what ltxstore.OpenSource takes. It holds the secrets.
func (r Replica) Source() ltxstore.Source {
	if r.source == nil {
		return ltxstore.Source{}
	}
	return *r.source()
}

// Daemon returns the settings for the daemon, in the file's order, then those
// inherited from the file's top level.
func (r Replica) Daemon() []Setting { return r.daemon }

// Warnings returns what its author has hardly meant, such as keys that begin with a
// slash where Litestream's do.
func (r Replica) Warnings() []Warning { return r.warnings }

// Unsupported returns an error, fs.ErrInvalid, if the replica is in a store that
// Litestream or this library knows, and for which no backend was imported. Its settings were not checked.
func (r Replica) Unsupported() error { return r.unsupported }

// Open returns a client of the replica: see ltxstore.OpenSource. Its errors
// are that of Unsupported, and what only the store knows: settings were checked before.
func (r Replica) Open(ctx context.Context) (ltxstore.ReplicaClient, error) {
	if r.unsupported != nil {
		return nil, r.unsupported
	}
	return ltxstore.OpenSource(ctx, r.Source())
}

// String returns where the replica is, without secrets.
func (r Replica) String() string {
	src := r.Source()
	if src.URL != "" {
		return ltxstore.Redact(src.URL)
	}
	return fmt.Sprintf("%s %q", src.Type, path.Join(src.Settings["bucket"], src.Settings["path"]))
}

// GoString is String: %#v must not show a secret either.
func (r Replica) GoString() string { return r.String() }

// Format is String for every verb.
func (r Replica) Format(f fmt.State, _ rune) { scrub.Format(f, r.String()) }

// MarshalText is String: so is what JSON says of a Replica.
func (r Replica) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// LogValue keeps secrets out of a log that is handed a Replica.
func (r Replica) LogValue() slog.Value { return slog.StringValue(r.String()) }

// Sub returns the replica at a path below this one: of a database in a
// directory that is replicated as a whole (Litestream's "dir"), by the
// database's path in the directory. The replicas of a mirror are below theirs. A path that is empty or leads out is
// fs.ErrInvalid.
func (r Replica) Sub(rel string) (Replica, error) {
	clean, err := backend.CleanPath(rel)
	if err != nil || clean == "" {
		return Replica{}, backend.Invalid("config", "init", "path", rel, "want a path below the replica")
	}
	src := sub(r.Source(), clean)
	if r.litestream != nil && src.Type == "file" && src.URL != "" {
		src.URL = fileURL(subFileURL(r.litestream(), clean))
	}
	r.source = func() *ltxstore.Source { return &src }
	return r, nil
}
