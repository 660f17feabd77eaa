package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sync replicates all transactions that were committed before the call. It fails if
// a database does not exist.
func (d *Daemon) Sync(ctx context.Context) error {
	var failed []error
	for _, db := range d.databases() {
		err := errors.New("it does not exist")
		if db.exists() { // the engine treats a missing one as unchanged
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

// Close replicates what is missing and stops. If it fails, a replica may be
// incomplete until the next start. It must be called once.
func (d *Daemon) Close(ctx context.Context) error {
	d.cancel()
	d.wg.Wait()
	failed := []error{d.closeSocket()}
	if !d.opts.Once {
		// The engine would not send transactions that it has not read yet.
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

// abandon closes everything after a failed Open.
func (d *Daemon) abandon() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if d.store != nil {
		d.store.SetShutdownSyncTimeout(0)
		_ = d.store.Close(ctx) // the error of Open is returned
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
