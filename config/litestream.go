package config

import (
	"cmp"
	"slices"
	"strings"
)

// File is a configuration file.
type File struct {
	// DBs are the items of "dbs", which only a litestream.yml has.
	DBs []DB

	// Replicas are those below "replica" or "replicas" at the top level.
	Replicas []Replica

	// Daemon are the settings at the top level that are for the daemon. Those that
	// replicas inherit, such as sync-interval, are in each replica too.
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

	// Invalid means that the database or one of its replicas has an error, which Parse
	// returns: invalid settings are not in the fields, and an invalid replica has only
	// the settings for the daemon.
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
	r := opts.reader()
	r.warnings = warnings
	var file File
	switch n.kind {
	case null:
		return &file, nil // of comments alone
	case dict:
	default:
		return nil, invalid(n, "want a map, with dbs, replica or replicas")
	}
	defaults := r.topLevel(&file, n)
	file.Replicas = r.replicasOf(n, defaults)
	r.Litestream = true
	dbs, _ := n.get("dbs")
	if dbs.kind != null && dbs.kind != list {
		r.invalid(dbs, "dbs: want a list of databases")
		dbs.items = nil
	}
	var right []DB
	var items []node
	for _, item := range dbs.items {
		before := len(r.failed)
		db := r.db(item, defaults)
		if db.Invalid = len(r.failed) > before; !db.Invalid {
			right, items = append(right, db), append(items, item)
		}
		file.DBs = append(file.DBs, db)
	}
	r.warnDBs(right, items)
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	file.Warnings = slices.Compact(r.warnings)
	return &file, r.err()
}

// topLevel reads the entries of the top level, and returns those that
// replicas inherit.
func (r *reader) topLevel(file *File, n node) (defaults []node) {
	names := slices.Concat(daemonOfFile, knownSettings(), []string{"dbs", "replica", "replicas"})
	for _, e := range n.items {
		switch {
		case strings.HasPrefix(e.key, "x-"): // holds an anchor, as in a compose file
		case e.key == "dbs" || e.key == "replica" || e.key == "replicas":
		case slices.Contains([]string{"path", "url", "type", "name"}, e.key):
			r.invalid(e.at(), "%s is a setting of a single replica: put it below replica or dbs", e.key)
		case slices.Contains(daemonOfFile, e.key):
			file.Daemon = append(file.Daemon, r.daemon(e)...)
			r.knownBelow(e)
		case slices.Contains(daemonOfReplica, e.key):
			file.Daemon = append(file.Daemon, r.daemon(e)...)
			defaults = append(defaults, e)
		case r.known(e, names):
			defaults = append(defaults, e)
		}
	}
	return defaults
}

// replicasOf reads "replica" or "replicas".
func (r *reader) replicasOf(n node, defaults []node) []Replica {
	one, hasOne := n.get("replica")
	several, hasSeveral := n.get("replicas")
	switch {
	case hasOne && hasSeveral:
		r.invalid(several.at(), "both replica and replicas are set: want one of them")
	case hasOne && one.kind == list:
		r.invalid(one.at(), "replica is a list: rename it to replicas")
	case hasSeveral && several.kind != list && several.kind != null:
		r.invalid(several.at(), "replicas is not a list: want a list, or rename it to replica")
	case hasOne && one.kind != null:
		return r.replicas(one, defaults)
	case hasSeveral:
		return r.replicas(node{kind: list, items: several.items}, defaults)
	}
	return nil
}

func (r *reader) db(n node, defaults []node) (db DB) {
	if n.kind != dict {
		r.invalid(n, "want a map with a database's path and its replica")
		return db
	}
	names := slices.Concat(daemonOfDB, []string{"path", "dir", "replica", "replicas"})
	for _, e := range n.items {
		switch {
		case e.key == "replica" || e.key == "replicas" || e.kind == null && slices.Contains(names, e.key):
		case e.key == "path":
			db.Path, _ = r.required(e.key, e)
		case e.key == "dir":
			db.Dir, _ = r.required(e.key, e)
		case slices.Contains(daemonOfDB, e.key):
			db.Daemon = append(db.Daemon, r.daemon(e)...)
			r.knownBelow(e)
		default:
			r.unknown(e, names)
		}
	}
	db.Replicas = r.replicasOf(n, defaults)
	return db
}
