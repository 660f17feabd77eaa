package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// File is a configuration file.
type File struct {
	// DBs are the items of "dbs", which only a litestream.yml has.
	DBs []DB

	// Replicas are those below "replica" or "replicas" at the top level.
	Replicas []Replica

	// Daemon are the settings of the top level that are for the daemon. Those
	// that replicas inherit, such as sync-interval, are in each replica too.
	Daemon []Setting

	// Warnings are the warnings about the file and its replicas, in the order
	// of the file.
	Warnings []Warning
}

// DB is a database, or with Dir a directory of databases, and its replicas.
// Those of a Dir need Replica.Sub for each database.
type DB struct {
	Path, Dir string
	Replicas  []Replica
	Daemon    []Setting

	// Invalid says that Parse's error is about the database or its replicas: what is wrong is
	// not in the fields, and a wrong replica has only the settings of the daemon.
	Invalid bool
}

// Parse reads a file: a litestream.yml, or one with "replica" or a list of
// "replicas" at the top level. Replicas inherit the settings of replicas at
// the top level, unless their backend does not have the setting or they set
// it themselves. Every error is fs.ErrInvalid and reports everything that is
// wrong, one line for each problem. With an error the File, if it is not nil, is not for use, but
// to report what else is wrong. Parse sends no request.
func Parse(data []byte, opts Options) (*File, error) {
	n, warnings, err := parse(data)
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	*opts.warnings = append(*opts.warnings, warnings...)
	if n.kind == null {
		return &File{}, nil // of comments alone
	}
	if n.kind != dict {
		return nil, invalid(n, "want a map, with dbs, replica or replicas")
	}
	var file File
	defaults, err := opts.topLevel(&file, n)
	failed := []error{err}
	file.Replicas, err = opts.replicasOf(n, defaults)
	failed = append(failed, err)
	dbs, ok := n.get("dbs")
	if !ok || dbs.kind == null {
		return file.unless(failed)
	}
	if dbs.kind != list {
		failed = append(failed, invalid(dbs, "dbs: want a list of databases"))
		return file.unless(failed)
	}
	opts.Litestream = true
	var right []DB
	var items []node
	for _, item := range dbs.items {
		db, err := opts.db(item, defaults)
		if db.Invalid = err != nil; db.Invalid {
			failed = append(failed, err)
		} else {
			right, items = append(right, db), append(items, item)
		}
		file.DBs = append(file.DBs, db)
	}
	opts.warnDBs(right, items)
	file.Warnings = *opts.warnings
	for _, db := range file.DBs {
		for _, r := range db.Replicas {
			file.Warnings = append(file.Warnings, r.warnings...)
		}
	}
	slices.SortStableFunc(file.Warnings, func(a, b Warning) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	file.Warnings = slices.Compact(file.Warnings)
	return file.unless(failed)
}

// unless returns the file, and everything that is wrong with it.
func (f *File) unless(failed []error) (*File, error) { return f, settings.Join(failed...) }

// topLevel reads the entries of the top level, and returns those that
// replicas inherit.
func (o Options) topLevel(file *File, n node) (defaults []node, err error) {
	var failed []error
	names := slices.Concat(daemonOfFile, knownSettings(), []string{"dbs", "replica", "replicas"})
	for _, e := range n.items {
		switch {
		case strings.HasPrefix(e.key, "x-"): // holds an anchor, as in a compose file
		case e.key == "dbs" || e.key == "replica" || e.key == "replicas":
		case slices.Contains([]string{"path", "url", "type", "name"}, e.key):
			failed = append(failed, invalid(e.at(), "%s is of one replica: want it below replica or dbs", e.key))
		case slices.Contains(daemonOfFile, e.key):
			file.Daemon = append(file.Daemon, o.daemon(e)...)
			failed = append(failed, knownBelow(e))
		case slices.Contains(daemonOfReplica, e.key):
			file.Daemon = append(file.Daemon, o.daemon(e)...)
			defaults = append(defaults, e)
		default:
			if err := known(e, names); err != nil {
				failed = append(failed, err)
				continue
			}
			defaults = append(defaults, e)
		}
	}
	return defaults, settings.Join(failed...)
}

// replicasOf reads "replica" or "replicas".
func (o Options) replicasOf(n node, defaults []node) ([]Replica, error) {
	one, hasOne := n.get("replica")
	several, hasSeveral := n.get("replicas")
	switch {
	case hasOne && hasSeveral:
		return nil, invalid(several.at(), "replica and replicas are both there: want one of them")
	case hasOne && one.kind == list:
		return nil, invalid(one.at(), "replica is a list: want it called replicas")
	case hasSeveral && several.kind != list && several.kind != null:
		return nil, invalid(several.at(), "replicas is no list: want one, or it called replica")
	case hasOne && one.kind != null:
		return o.replicas(one, defaults)
	case hasSeveral:
		return o.replicas(node{kind: list, items: several.items}, defaults)
	}
	return nil, nil
}

func (o Options) db(n node, defaults []node) (db DB, err error) {
	if n.kind != dict {
		return db, invalid(n, "want a map with a database's path and its replica")
	}
	var failed []error
	names := slices.Concat(daemonOfDB, []string{"path", "dir", "replica", "replicas"})
	for _, e := range n.items {
		switch {
		case e.key == "replica" || e.key == "replicas" || e.kind == null && slices.Contains(names, e.key):
		case e.key == "path":
			db.Path, err = o.required(e.key, e)
		case e.key == "dir":
			db.Dir, err = o.required(e.key, e)
		case slices.Contains(daemonOfDB, e.key):
			db.Daemon = append(db.Daemon, o.daemon(e)...)
			err = knownBelow(e)
		default:
			err = unknown(e, names)
		}
		failed, err = append(failed, err), nil
	}
	db.Replicas, err = o.replicasOf(n, defaults)
	return db, settings.Join(append(failed, err)...)
}
