// Package config reads the replicas in a daemon's configuration, which is YAML or
// JSON. It accepts a whole litestream.yml, or only its replica sections.
//
// The settings of a replica are the same as in the query of its URL, and are
// decoded by the same code. docs/configuration.md lists them, with those of
// the wrappers. The program must import each backend and wrapper that it
// supports, or all backends with package [github.com/ltxstore/ltxstore/backends]:
//
//	import _ "github.com/ltxstore/ltxstore/s3"
//	import _ "github.com/ltxstore/ltxstore/wrap/crypt"
//
// Nothing is ignored. An unknown setting is an [Error] with its line and column, and so
// is a setting that cannot be honored, such as "age", which requires encryption, if
// wrap/crypt is not imported. Settings of Litestream that are for its daemon and not for
// the store of a replica, such as sync-interval, are returned as Daemon settings, and the
// caller must honor them.
package config

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Options are options for reading a configuration. The zero value is the
// default.
type Options struct {
	// Litestream selects the layout of Litestream for replicas without a layout:
	// LayoutLitestreamS3 in S3 and OSS, otherwise LayoutLitestream. Replicas below
	// "dbs", which only a litestream.yml has, always have that layout. The default
	// for all others is LayoutDefault.
	Litestream bool

	// NoExpandEnv disables the expansion of variables. By default, $NAME and
	// ${NAME} in a value are replaced with the environment variable, ${NAME:-TEXT}
	// with TEXT if the variable is not set, $PID with the process ID, and $$ with a
	// dollar sign. An unset variable is an error in the settings of a replica, and
	// empty in those of the daemon, as in Litestream. Keys and comments are never
	// expanded. Litestream has no ${NAME:-TEXT} and $$, which therefore are unset below
	// "dbs".
	NoExpandEnv bool

	// Getenv looks up an environment variable. nil means os.LookupEnv.
	Getenv func(key string) (string, bool)
}

// Replica is a replica section, ready to be opened. Printing it does not show secrets.
type Replica struct {
	name   string
	source func() *ltxstore.Source // a function, so that fmt does not print it
	daemon []Setting

	unsupported error
	litestream  bool // the place is Litestream's
}

// Setting is a setting that the daemon must honor. Key has a dot between
// nested names and the index of an item of a list: "levels.0.interval". Line
// and Column are 0 if the parser does not provide them.
type Setting struct {
	Key, Value   string
	Line, Column int
}

// Name returns the section's "name", which is deprecated in Litestream.
func (r Replica) Name() string { return r.name }

// Type returns the scheme of the backend, such as "file" or "s3".
func (r Replica) Type() string { return r.Source().Type }

// Source returns the argument for ltxstore.OpenSource. It contains secrets.
func (r Replica) Source() ltxstore.Source {
	if r.source == nil {
		return ltxstore.Source{}
	}
	return *r.source()
}

// Daemon returns the settings for the daemon: those of the section in the
// order of the file, then those inherited from the top level of the file.
func (r Replica) Daemon() []Setting { return r.daemon }

// Unsupported returns an error of kind fs.ErrInvalid if the type of the replica,
// or of one of its mirrors, has no backend: it is unknown, or its package is not
// imported. The other replicas of the file can be used. The settings of such a
// replica were not checked.
func (r Replica) Unsupported() error { return r.unsupported }

// Open returns a client of the replica, as ltxstore.OpenSource does. The
// settings were checked before, so it returns the error of Unsupported, or an
// error that only the store can cause.
func (r Replica) Open(ctx context.Context) (ltxstore.ReplicaClient, error) {
	if r.unsupported != nil {
		return nil, r.unsupported
	}
	return ltxstore.OpenSource(ctx, r.Source())
}

// String returns the place of the replica in the form of a URL, without secrets.
func (r Replica) String() string {
	src := r.Source()
	if set := src.Settings; src.URL == "" {
		src.URL = src.Type + "://" + escape(path.Join(cmp.Or(set["bucket"], set["host"]), set["path"]))
	}
	return ltxstore.Redact(src.URL)
}

// Format is String for every verb.
func (r Replica) Format(f fmt.State, _ rune) { scrub.Format(f, r.String()) }

// MarshalText is String, and so are the JSON of a Replica and what log/slog
// writes.
func (r Replica) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Sub returns the replica at the path rel below this one. A directory of
// databases (Litestream's "dir") has one replica section, and rel is the path
// of a database in the directory. In a mirror, rel is below each of the
// replicas. A path that is empty or leads out of the replica is
// fs.ErrInvalid.
func (r Replica) Sub(rel string) (Replica, error) {
	clean, err := backend.CleanPath(rel)
	if err != nil {
		return Replica{}, &ltxstore.Error{Op: "init", Backend: "config", Kind: fs.ErrInvalid, Err: err}
	}
	if clean == "" {
		return Replica{}, backend.Invalid("config", "init", "path", rel, "want a path below the replica")
	}
	src := sub(r.Source(), clean)
	if r.litestream && src.Type == "file" && src.URL != "" && escape(clean) != clean {
		return Replica{}, backend.Invalid("config", "init", "path", rel, "want path in place of url in the replica: in Litestream, the directory has escapes in its name")
	}
	r.source = func() *ltxstore.Source { return &src }
	return r, nil
}
