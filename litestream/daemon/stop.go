package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sync replicates everything that was committed before the call. It fails if a
// database does not exist.
func (d *Daemon) Sync(ctx context.Context) error {
	var failed []error
	for _, db := range d.databases() {
		err := errors.New("it does not exist")
		if db.exists() { // the engine takes a missing one for one that has not changed
			err = db.engine.SyncAndWait(ctx)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("database %s: %w", db.Path, err))
		}
	}
	return errors.Join(failed...)
}

// Snapshot writes a full snapshot of each database.
func (d *Daemon) Snapshot(ctx context.Context) error {
	var failed []error
	for _, db := range d.store.DBs() {
		if _, err := db.Snapshot(ctx); err != nil {
			failed = append(failed, fmt.Errorf("database %s: snapshot: %w", db.Path(), err))
		}
	}
	return errors.Join(failed...)
}

// EnforceRetention deletes files whose retention has ended.
func (d *Daemon) EnforceRetention(ctx context.Context) error {
	var failed []error
	for _, db := range d.store.DBs() {
		if err := d.store.EnforceSnapshotRetention(ctx, db); err != nil {
			failed = append(failed, fmt.Errorf("database %s: retention: %w", db.Path(), err))
		}
	}
	return errors.Join(failed...)
}

// Close replicates what is missing and stops. If it fails, a replica may lack
// something, which the next start sends. It must be called once.
func (d *Daemon) Close(ctx context.Context) error {
	d.cancel()
	d.wg.Wait()
	failed := []error{d.closeSocket()}
	if !d.opts.Once {
		// The engine would not send what it has not read yet.
		for _, db := range d.databases() {
			if db.engine.IsOpen() && db.engine.PageSize() == 0 && db.exists() {
				failed = append(failed, db.engine.Sync(ctx))
			}
		}
	}
	if err := d.store.Close(ctx); err != nil {
		failed = append(failed, fmt.Errorf("last sync: %w", err))
	}
	for _, db := range d.databases() {
		if err := db.repair(ctx); err != nil {
			failed = append(failed, fmt.Errorf("database %s: %w", db.Path, err))
		}
	}
	failed = append(failed, d.closeWeb(), d.closeReplicas())
	return errors.Join(failed...)
}

// abandon releases what a failed Open has opened.
func (d *Daemon) abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if d.store != nil {
		d.store.SetShutdownSyncTimeout(0)
		_ = d.store.Close(ctx) // why Open fails is what matters
	}
	return errors.Join(d.closeSocket(), d.closeWeb(), d.closeReplicas())
}

func (d *Daemon) closeReplicas() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var failed []error
	for _, db := range d.dbs {
		failed = append(failed, db.close())
	}
	return errors.Join(failed...)
}
