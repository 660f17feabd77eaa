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
			failed = append(failed, errors.New("its replicas differ in sync-interval, max-sync-ltx-files or auto-recover: want the same in all"))
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

// absolute returns the absolute path of one that may begin with "~", or with "sqlite://" or
// "sqlite3://". An empty one stays so.
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

// ofDB are the settings of a database.
func (db *DB) ofDB() table {
	var snapshot time.Duration // Parse takes it for all
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
		"max-checkpoint-page-count": refused("Litestream has dropped it: want truncate-page-n"),
	}
}

// table are the settings of a replica that are the engine's.
func (sync *Sync) table() table {
	return table{
		"sync-interval":            positive(&sync.Interval),
		"max-sync-ltx-files":       number(&sync.MaxFiles, 0),
		"auto-recover":             boolean(&sync.AutoRecover),
		"validation-interval":      refused("it is of all databases: want validation.interval at the top level"),
		"retention":                refused("Litestream has dropped it: want snapshot.retention at the top level"),
		"retention-check-interval": refused("Litestream has dropped it: want it left out"),
		"snapshot-interval":        refused("Litestream has dropped it: want snapshot.interval at the top level"),
	}
}

// check returns an error if the settings of a database contradict each other.
func (db *DB) check() error {
	switch {
	case len(db.Replicas) == 0:
		return errors.New("it has no replica: want one, or several")
	case db.Path != "" && db.Dir != "":
		return errors.New("it has both path and dir: want one of them")
	case db.Path == "" && db.Dir == "":
		return errors.New("it has neither path nor dir: want one of them")
	case strings.ContainsAny(db.name(), "?#%"):
		return errors.New("the engine cannot open names with ?, # or %: want others") // it makes a URI of the path
	case db.Dir != "" && db.Pattern == "":
		return errors.New(`dir has no pattern: want one, such as "*.db"`)
	case db.Dir == "" && (db.Pattern != "" || db.Recursive || db.Watch || db.MetaDir != ""):
		return errors.New("pattern, recursive, watch and meta-dir are of a dir, and it has a path: want them left out")
	case db.Dir != "" && db.Restore:
		return errors.New("restore-if-db-not-exists is of a path: which databases a dir had is not known: want it left out")
	case db.MetaPath != "" && db.MetaDir != "":
		return errors.New("it has both meta-path and meta-dir: want one of them")
	}
	if _, err := filepath.Match(db.Pattern, ""); err != nil {
		return fmt.Errorf("pattern: %w", bad(db.Pattern, `one as "*.db"`))
	}
	return nil
}
