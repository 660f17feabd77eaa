package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// target is a replica on the command line: named by a URL, by the path of a directory, or
// by a database in a configuration file.
type target struct {
	url     string // for messages; it may contain secrets
	src     ltxstore.Source
	replica *config.Replica // of a configuration file
}

// String returns the URL without secrets, and without the settings that come
// from a file.
func (t target) String() string {
	if t.replica != nil {
		at, _, _ := strings.Cut(t.url, "?")
		return at
	}
	return ltxstore.Redact(t.url)
}

// atURL returns the target that a URL names. The layout is detected unless the URL names
// it.
func atURL(url string) target {
	return target{url: url, src: ltxstore.Source{URL: url, Layout: "auto"}}
}

// The environment of the command. The file is Litestream's own default.
const (
	urlVariable    = "LTXSTORE_URL"
	configVariable = "LTXSTORE_CONFIG"
	defaultConfig  = "/etc/litestream.yml"
)

// configFlags are the flags for a configuration file.
type configFlags struct {
	file        string
	noExpandEnv bool
}

func (c *configFlags) bind(flags *flag.FlagSet, cmd *command) {
	if cmd.replicas == 0 {
		return
	}
	what := strings.Join(strings.Fields(cmd.args)[:cmd.replicas], " or ")
	flags.Func("config", ""+what+" is the path of a database in the configuration `FILE`, such as a litestream.yml, and names that database's replica "+
		"with its settings and credentials; it may be left out if there is only one. Default $"+configVariable+" or "+defaultConfig+", for paths that are in it", func(file string) error {
		if c.file = file; file == "" {
			return errors.New("want the path of a configuration file")
		}
		return nil
	})
	flags.BoolVar(&c.noExpandEnv, "no-expand-env", false, "do not expand $NAME in the configuration")
}

// targets returns the replicas that the first arguments name, and all
// arguments. If an argument is missing, the replica is that of the
// configuration file, or $LTXSTORE_URL.
func (a *app) targets(ctx context.Context, cmd *command, args []string) ([]target, []string, error) {
	if cmd.replicas == 0 {
		return nil, args, nil
	}
	leftOut := len(args) < cmd.min || cmd.max < 0 && isLevel(args[0])
	switch url := a.getenv(urlVariable); {
	case leftOut && a.config.file != "":
		args = slices.Insert(slices.Clone(args), 0, "")
	case leftOut && url != "":
		args = slices.Insert(slices.Clone(args), 0, url)
		a.args = append(a.args, url) // it may contain secrets
	}
	if len(args) < cmd.min {
		return nil, args, nil // call returns the error
	}
	var found []target
	for i, arg := range args[:cmd.replicas] {
		t, err := a.target(ctx, cmd, arg, i > 0)
		if err != nil {
			return nil, nil, err
		}
		args[i] = t.url
		found = append(found, t)
	}
	return found, args, nil
}

// isLevel reports whether an argument is a level, and cannot be a replica.
func isLevel(arg string) bool {
	return arg != "" && strings.Trim(arg, "0123456789") == ""
}

// target returns what an argument names. A destination may be a directory that does
// not exist yet.
func (a *app) target(ctx context.Context, cmd *command, arg string, destination bool) (target, error) {
	scheme, _, _ := strings.Cut(arg, ":")
	known := slices.Contains(settings.Drivers().All(), strings.ToLower(scheme))
	switch {
	case strings.Contains(arg, "://"), strings.EqualFold(scheme, "file") && strings.Contains(arg, ":"):
		return atURL(arg), nil
	case known && strings.Contains(arg, ":"), strings.Contains(arg, "?") && strings.Contains(arg, "="):
		return target{}, usagef("%q is not a URL: want one such as s3://bucket/path?region=eu-west-1", ltxstore.Redact(arg))
	case arg == "" && a.config.file == "":
		name := strings.Fields(cmd.args)[0]
		if destination {
			name = strings.Fields(cmd.args)[1]
		}
		return target{}, usagef("%s is empty: want a URL, a directory, or with -config a database", name)
	}
	var t target
	var err error
	switch variable := a.getenv(configVariable); {
	case a.config.file != "":
		t, err = a.configured(ctx, cmd, "-config", a.config.file, arg, !destination && !isDir(arg))
	case variable != "":
		t, err = a.configured(ctx, cmd, "$"+configVariable, variable, arg, false)
	case a.defaultConfig != "":
		// A default file that cannot be read does not matter.
		t, err = a.configured(ctx, cmd, "", a.defaultConfig, arg, false)
		unread := new(fs.PathError)
		wrong := new(configError)
		if errors.As(err, &unread) || errors.As(err, &wrong) && (destination || isDir(arg)) {
			err = nil
		}
	}
	if err != nil || t.replica != nil {
		return t, err
	}
	return directory(arg)
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// directory returns the file replica at a path.
func directory(arg string) (target, error) {
	full, err := filepath.Abs(arg)
	if err != nil {
		return target{}, err
	}
	if info, err := os.Stat(full); err == nil && !info.IsDir() {
		return target{}, usagef("%s is a file: want the directory of a replica, a URL, or with -config the database of a configuration file", arg)
	}
	slashed := filepath.ToSlash(full)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/replica
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(slashed)
	return atURL("file://" + escaped), nil
}

// configured returns the replica of a database in a configuration file. If
// the database is not in the file and need not be, the target is empty.
func (a *app) configured(ctx context.Context, cmd *command, flag, name, database string, must bool) (target, error) {
	file, err := a.readConfig(ctx, flag, name, config.Options{NoExpandEnv: a.config.noExpandEnv, Getenv: a.lookupEnv})
	if err != nil && flag != "" {
		err = fmt.Errorf("%s: %w", flag, err)
	}
	if err != nil {
		return target{}, err
	}
	found, shown, err := replicasOf(file, database)
	switch {
	case err != nil:
		return target{}, err
	case len(found) == 0 && !must:
		return target{}, nil
	case len(found) == 0 && database == "":
		return target{}, fmt.Errorf("%s has no replica", name)
	case len(found) == 0:
		return target{}, usagef("%s has no database %q: %s", name, database, databasesOf(file, database))
	case len(found) > 1 && database == "":
		return target{}, usagef("%s has several databases: want one of them before the other arguments: %s", name, databasesOf(file, database))
	case len(found) > 1:
		return target{}, usagef("%s has %d replicas of %s: want the URL of one: %s", name, len(found), shown, strings.Join(placesOf(found), ", "))
	}
	r := found[0]
	if err := r.Unsupported(); err != nil {
		return target{}, fmt.Errorf("%s: %w", name, err)
	}
	return target{url: r.String(), src: r.Source(), replica: &r}, nil
}

// replicasOf returns the replicas of a database, and its path. If no database
// is named, it is the only one in the file.
func replicasOf(file *config.File, database string) (found []config.Replica, shown string, err error) {
	if database == "" {
		for _, db := range file.DBs {
			found = append(found, db.Replicas...)
		}
		return append(found, file.Replicas...), "it", nil
	}
	want, err := databasePath(database)
	if err != nil {
		return nil, "", err
	}
	for _, db := range file.DBs {
		at, err := databasePath(cmp.Or(db.Path, db.Dir))
		if err != nil {
			return nil, "", err
		}
		if db.Path != "" && at == want {
			return db.Replicas, database, nil
		}
		rel, err := filepath.Rel(at, want)
		if db.Dir == "" || err != nil || rel == "." || !filepath.IsLocal(rel) {
			continue
		}
		for _, r := range db.Replicas {
			sub, err := r.Sub(filepath.ToSlash(rel))
			if err != nil {
				return nil, "", err
			}
			found = append(found, sub)
		}
		return found, database, nil
	}
	return nil, "", nil
}

// databasePath returns the path of a database as Litestream does: absolute,
// with "~" expanded, and without "sqlite://".
func databasePath(name string) (string, error) {
	for _, prefix := range []string{"sqlite3://", "sqlite://"} {
		name = strings.TrimPrefix(name, prefix)
	}
	if rest, ok := strings.CutPrefix(name, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == os.PathSeparator) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		name = home + rest
	}
	return filepath.Abs(name)
}

// databasesOf lists the databases of a file for an error.
func databasesOf(file *config.File, database string) string {
	var names []string
	for _, db := range file.DBs {
		names = append(names, cmp.Or(db.Path, path.Join(db.Dir, "…")))
	}
	if nearest := settings.Nearest(database, names); nearest != "" {
		return "did you mean " + nearest + "?"
	}
	const most = 5
	switch {
	case len(names) == 0:
		return "there are none in it"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "there are " + strings.Join(names, ", ")
}

func placesOf(replicas []config.Replica) (found []string) {
	for _, r := range replicas {
		found = append(found, target{url: r.String(), replica: &r}.String())
	}
	return found
}

// getenv returns a variable of the environment, or the empty string.
func (a *app) getenv(name string) string {
	value, _ := a.lookupEnv(name)
	return value
}

// lookupEnv looks up the environment.
func (a *app) lookupEnv(name string) (string, bool) {
	if a.env == nil {
		return os.LookupEnv(name)
	}
	return a.env(name)
}
