package daemon

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/config"
)

// parseDB reads an item of "dbs".
func parseDB(found config.DB) (DB, error) {
	db := defaultDB()
	db.Path, db.Dir, db.Replicas = found.Path, found.Dir, found.Replicas
	failed := []error{db.places(), db.ofDB().read(found.Daemon)}
	for i, r := range found.Replicas {
		sync := defaultDB().Sync
		failed = append(failed, sync.table().read(r.Daemon()), r.Unsupported())
		if i > 0 && sync != db.Sync {
			failed = append(failed, errors.New("replicas differ in sync-interval, max-sync-ltx-files or auto-recover: want the same in all"))
		}
		db.Sync = sync
	}
	if !found.Invalid {
		failed = append(failed, db.check())
	}
	if err := errors.Join(failed...); err != nil {
		return db, fmt.Errorf("database %s: %w", db.name(), err)
	}
	return db, nil
}

// places makes the paths absolute, as Litestream does.
func (db *DB) places() (err error) {
	if db.Path, err = absolute(db.Path); err != nil {
		return err
	}
	db.Dir, err = absolute(db.Dir)
	return err
}

// absolute returns the absolute path for one that may start with "~", "sqlite://" or
// "sqlite3://". The empty path stays empty.
func absolute(path string) (string, error) {
	for _, prefix := range []string{"sqlite3://", "sqlite://"} {
		path = strings.TrimPrefix(path, prefix)
	}
	path, err := expandHome(path)
	if path == "" || err != nil {
		return path, err
	}
	return filepath.Abs(path)
}

// ofDB returns the settings of a database.
func (db *DB) ofDB() table {
	var snapshot time.Duration // only validated here: see Config.ofDBs
	return table{
		"pattern":                   text(&db.Pattern),
		"recursive":                 boolean(&db.Recursive),
		"watch":                     boolean(&db.Watch),
		"meta-path":                 path(&db.MetaPath),
		"meta-dir":                  path(&db.MetaDir),
		"monitor-interval":          positive(&db.MonitorInterval),
		"checkpoint-interval":       atLeast(&db.CheckpointInterval, 0),
		"busy-timeout":              atLeast(&db.BusyTimeout, 0),
		"min-checkpoint-page-count": number(&db.MinCheckpointPages, 1),
		"truncate-page-n":           number(&db.TruncatePages, 0),
		"max-sync-wal-bytes":        number(&db.MaxSyncWALBytes, 0),
		"restore-if-db-not-exists":  boolean(&db.Restore),
		"snapshot.interval":         positive(&snapshot),
		"snapshot.retention":        positive(&snapshot),
		"max-checkpoint-page-count": refused("removed from Litestream: want truncate-page-n"),
	}
}

// table returns the settings of a replica that are for the engine.
func (sync *Sync) table() table {
	return table{
		"sync-interval":            positive(&sync.Interval),
		"max-sync-ltx-files":       number(&sync.MaxFiles, 0),
		"auto-recover":             boolean(&sync.AutoRecover),
		"validation-interval":      refused("not a setting of a replica: want validation.interval at the top level"),
		"retention":                refused("removed from Litestream: want snapshot.retention at the top level"),
		"retention-check-interval": refused("removed from Litestream: remove it"),
		"snapshot-interval":        refused("removed from Litestream: want snapshot.interval at the top level"),
	}
}

// check returns an error if the settings of a database contradict each other.
func (db *DB) check() error {
	switch {
	case len(db.Replicas) == 0:
		return errors.New("no replica: want one or more")
	case db.Path != "" && db.Dir != "":
		return errors.New("both path and dir are set: want one of them")
	case db.Path == "" && db.Dir == "":
		return errors.New("neither path nor dir is set: want one of them")
	case strings.ContainsAny(db.name(), "?#%"):
		return errors.New("the engine cannot open names with ?, # or %: rename it") // it converts the path to a URI
	case db.Dir != "" && db.Pattern == "":
		return errors.New(`dir without pattern: want one, such as "*.db"`)
	case db.Dir == "" && (db.Pattern != "" || db.Recursive || db.Watch || db.MetaDir != ""):
		return errors.New("pattern, recursive, watch and meta-dir are settings of a dir: remove them, or set dir instead of path")
	case db.Dir != "" && db.Restore:
		return errors.New("restore-if-db-not-exists needs a path: which databases a dir had is unknown")
	case db.MetaPath != "" && db.MetaDir != "":
		return errors.New("both meta-path and meta-dir are set: want one of them")
	}
	if _, err := filepath.Match(db.Pattern, ""); err != nil {
		return fmt.Errorf("pattern: %w", bad(db.Pattern, `a pattern such as "*.db"`))
	}
	return nil
}
