package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/ltxstore/ltxstore"
)

// watchInterval is how often directories are looked through for databases that
// have appeared or disappeared.
const watchInterval = 2 * time.Second

// watch follows the directories that are to be watched.
func (d *Daemon) watch(ctx context.Context) {
	told := make(map[string]string) // what failed, by path: it is logged once
	d.lookThrough(ctx, told)
	each(ctx, watchInterval, func() { d.lookThrough(ctx, told) })
}

// lookThrough adds the databases that have appeared in watched directories, and
// removes those that have disappeared.
func (d *Daemon) lookThrough(ctx context.Context, told map[string]string) {
	tell := func(path string, err error) {
		switch {
		case err == nil:
			delete(told, path)
		case told[path] != err.Error() && ctx.Err() == nil:
			told[path] = err.Error()
			d.log.Error("database in a watched directory cannot be replicated", "path", path, "error", err)
		}
	}
	d.change.Lock()
	defer d.change.Unlock()
	for _, dir := range d.config().DBs {
		if !dir.Watch {
			continue
		}
		found, err := dir.expand(d.has)
		tell(dir.Dir, err)
		for _, db := range found {
			if !d.has(db.Path) {
				tell(db.Path, d.add(ctx, db))
			}
		}
		for _, db := range d.databases() {
			if _, err := os.Stat(db.Path); db.of == dir.Dir && errors.Is(err, fs.ErrNotExist) {
				tell(db.Path, d.remove(ctx, db.Path))
			}
		}
	}
}

// add replicates another database. d.change is held.
func (d *Daemon) add(ctx context.Context, cfg DB) (err error) {
	db, err := openDatabase(ctx, cfg, d.opts.Once, d.log)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.close())
		}
	}()
	if err := ltxstore.Init(ctx, db.all); err != nil {
		return fmt.Errorf("database %s: %w", cfg.Path, err)
	}
	taken := make(map[string]string)
	for _, other := range d.databases() {
		if err := other.distinct(ctx, other.Path, taken); err != nil {
			return err
		}
	}
	if err := db.distinct(ctx, cfg.Path, taken); err != nil {
		return err
	}
	if err := d.store.RegisterDB(db.engine); err != nil {
		return fmt.Errorf("database %s: %w", cfg.Path, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dbs[cfg.Path] = db
	d.log.Info("database added", "path", cfg.Path)
	return nil
}

// remove replicates what a database has left and ends its replication. d.change
// is held.
func (d *Daemon) remove(ctx context.Context, path string) error {
	db := d.database(path)
	err := d.store.UnregisterDB(ctx, path)
	if !db.exists() {
		err = nil // there is nothing to send any more
	}
	d.mu.Lock()
	delete(d.dbs, path)
	d.mu.Unlock()
	d.log.Info("database removed", "path", path)
	return errors.Join(err, db.close())
}
