package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
)

// watchInterval is how often directories are searched for new and removed databases.
const watchInterval = 2 * time.Second

// retryInterval is how long to wait before retrying a database that could not be
// added.
const retryInterval = 30 * time.Second

// failure is the reason why a database or a directory is not replicated.
type failure struct {
	DB
	err   error
	tried time.Time
}

// begin locks the set of databases for adding and removing; end unlocks it.
func (d *Daemon) begin(ctx context.Context) error {
	select {
	case d.change <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Daemon) end() { <-d.change }

// watch calls lookThrough repeatedly.
func (d *Daemon) watch(ctx context.Context) {
	d.lookThrough(ctx)
	each(ctx, watchInterval, func() { d.lookThrough(ctx) })
}

// lookThrough adds databases that appeared in watched directories or could not be
// added before, removes those that disappeared, and starts over with those that were
// replaced by another file.
func (d *Daemon) lookThrough(ctx context.Context) {
	if d.begin(ctx) != nil {
		return
	}
	defer d.end()
	for _, dir := range d.config().DBs {
		if !dir.Watch {
			continue
		}
		found, err := dir.expand(d.has)
		d.note(ctx, dir, err)
		for _, db := range found {
			if !d.has(db.Path) && d.due(db.Path) {
				d.note(ctx, db, d.add(ctx, db))
			}
		}
		for _, db := range d.databases() {
			if db.of == dir.Dir && gone(db.Path) {
				d.note(ctx, db.DB, d.remove(ctx, db.Path))
			}
		}
	}
	for _, db := range d.databases() {
		if db.replaced() {
			d.log.Warn("database file was replaced: replicating the new one", "path", db.Path)
			d.note(ctx, db.DB, d.again(ctx, db))
		}
	}
	for _, failed := range d.failures() {
		switch {
		case failed.Path == "": // a directory
		case failed.of == "" && d.due(failed.Path):
			d.note(ctx, failed.DB, d.add(ctx, failed.DB))
		case failed.of != "" && gone(failed.Path):
			d.note(ctx, failed.DB, nil)
		}
	}
}

// due reports whether to add a database. It is false for a while after a failure.
func (d *Daemon) due(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.failed[path].tried) >= retryInterval
}

// note records why a database or a directory is not replicated; nil means that there
// is no failure. A new failure is logged.
func (d *Daemon) note(ctx context.Context, db DB, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before, ok := d.failed[db.name()]
	switch {
	case err == nil:
		delete(d.failed, db.name())
	case ctx.Err() == nil:
		if d.failed[db.name()] = (failure{db, err, time.Now()}); !ok || before.err.Error() != err.Error() {
			d.log.Error("not replicated", "path", db.name(), "error", err)
		}
	}
}

// failures returns what is not replicated but should be, by path.
func (d *Daemon) failures() []failure {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Values(d.failed), func(a, b failure) int { return strings.Compare(a.name(), b.name()) })
}

// add replicates another database, between begin and end.
func (d *Daemon) add(ctx context.Context, cfg DB) (err error) {
	if err := d.free(cfg); err != nil {
		return err
	}
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
	if err := d.store.RegisterDB(db.engine); err != nil {
		return fmt.Errorf("database %s: %w", cfg.Path, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dbs[cfg.Path] = db
	d.log.Info("database added", "path", cfg.Path)
	return nil
}

// free returns an error if another database has a replica of cfg.
func (d *Daemon) free(cfg DB) error {
	taken := make(owners)
	for _, other := range d.databases() {
		for _, at := range other.locations {
			taken[at] = other.Path
		}
	}
	return taken.take(cfg)
}

// again restarts the replication of a database that was replaced, without a last sync
// of the old file: the engine would read the WAL of the new one. It is called between
// begin and end.
func (d *Daemon) again(ctx context.Context, db *database) error {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_ = d.store.UnregisterDB(cancelled, db.Path) // it fails, because there is no last sync
	d.forget(db.Path)
	return errors.Join(db.close(), d.add(ctx, db.DB))
}

func (d *Daemon) forget(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.dbs, path)
}

// remove replicates the rest of a database and ends its replication, even if ctx ends,
// because the rest would not be sent later. It is called between begin and end.
func (d *Daemon) remove(ctx context.Context, path string) error {
	db := d.database(path)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.config().ShutdownTimeout)
	defer cancel()
	err := d.store.UnregisterDB(ctx, path)
	if !db.exists() {
		err = nil // there is nothing left to send
	}
	err = errors.Join(err, db.repair(ctx))
	d.forget(path)
	d.metrics.forget(path)
	d.log.Info("database removed", "path", path)
	return errors.Join(err, db.close())
}
