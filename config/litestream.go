package config

import (
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
	n, err := parse(data)
	if err != nil {
		return nil, err
	}
	r := opts.reader()
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
	taken := make(map[string]string) // the database of each location
	for _, item := range dbs.items {
		before := len(r.failed)
		db := r.db(item, defaults)
		r.distinct(item, db, taken)
		db.Invalid = len(r.failed) > before
		file.DBs = append(file.DBs, db)
	}
	return &file, r.err()
}

// distinct notes that replicas of a database are those of another one. The databases of a
// directory have replicas below that of the directory, of which others may be.
func (r *reader) distinct(n node, db DB, taken map[string]string) {
	for _, replica := range db.Replicas {
		for _, location := range replica.Locations() {
			other, ok := taken[location]
			switch {
			case ok && other == db.Path:
				r.invalid(n, "%s is configured twice", replica)
			case ok:
				r.invalid(n, "the replica of %s is %s too: two databases in one replica damage each other", other, replica)
			case db.Path != "":
				taken[location] = db.Path
			}
		}
	}
}

// topLevel reads the entries of the top level, and returns those that
// replicas inherit.
func (r *reader) topLevel(file *File, n node) (defaults []node) {
	for _, e := range n.items {
		ofFile, isFile := r.daemon(e, daemonOfFile)
		switch {
		case strings.HasPrefix(e.key, "x-"): // holds an anchor, as in a compose file
		case e.key == "dbs" || e.key == "replica" || e.key == "replicas":
		case e.key == "path" || isOwn(e.key):
			r.invalid(e, "%s is a setting of a single replica: put it below replica or dbs", e.key)
		case isFile:
			file.Daemon = append(file.Daemon, ofFile...)
		case slices.Contains(daemonOfReplica, e.key):
			found, _ := r.daemon(e, daemonOfReplica)
			file.Daemon = append(file.Daemon, found...)
			defaults = append(defaults, e)
		case r.known(e, append(slices.Clone(daemonOfFile), "dbs", "replica", "replicas")):
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
		r.invalid(several, "both replica and replicas are set: want one of them")
	case hasOne && one.kind == list:
		r.invalid(one, "replica is a list: rename it to replicas")
	case hasSeveral && several.kind != list && several.kind != null:
		r.invalid(several, "replicas is not a list: want a list, or rename it to replica")
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
	names := append(slices.Clone(daemonOfDB), "path", "dir", "replica", "replicas")
	for _, e := range n.items {
		found, ok := r.daemon(e, daemonOfDB)
		switch {
		case ok:
			db.Daemon = append(db.Daemon, found...)
		case !slices.Contains(names, e.key):
			r.unknown(e, names)
		case e.key == "path" && e.kind != null:
			db.Path, _ = r.required(e)
		case e.key == "dir" && e.kind != null:
			db.Dir, _ = r.required(e)
		}
	}
	db.Replicas = r.replicasOf(n, defaults)
	return db
}
