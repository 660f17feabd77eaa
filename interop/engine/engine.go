// Package engine drives a live SQLite database through the real Litestream
// engine, its Store, DB and Replica, over any ltxstore client: replication
// with short intervals, compaction, retention, a clean stop, and restores.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// ErrClosed is returned by every method of an Engine after Close.
var ErrClosed = errors.New("engine is closed")

// Engine replicates one database until Close. Its methods are safe for
// concurrent use.
type Engine struct {
	store *litestream.Store
	db    *litestream.DB
	path  string

	mu     sync.RWMutex // held for reading by whatever needs the engine open
	closed bool
}

// Open starts replicating cfg.DB to cfg.Client and returns after the first
// sync, so that a database or a replica that cannot be used is an error here
// and not a line in a log. ctx bounds the opening alone.
//
// The engine puts the database into WAL mode and adds two small tables of its
// own, _litestream_seq and _litestream_lock.
//
// As long as the engine is open, nothing else in the process may open and
// close the database's file itself (SQLite connections are fine): closing any
// descriptor of a file drops all of a process's POSIX locks on it.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	store, db := cfg.build()
	if err := store.Open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("engine: open: %w", err), store.Close(context.WithoutCancel(ctx)))
	}
	e := &Engine{store: store, db: db, path: cfg.DB}
	if err := e.Sync(ctx); err != nil {
		// The error is returned without a final sync, which would fail again.
		store.SetShutdownSyncTimeout(0)
		_ = e.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return e, nil
}

// Sync replicates everything that was committed before the call.
func (e *Engine) Sync(ctx context.Context) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return ErrClosed
	}
	return e.sync(ctx)
}

func (e *Engine) sync(ctx context.Context) error {
	if err := e.db.SyncAndWait(ctx); err != nil {
		return fmt.Errorf("engine: sync: %w", err)
	}
	return nil
}

// Position returns the last transaction that the engine has read from the
// database, and the last that it has replicated. Litestream's transactions are
// its syncs: one holds all that was committed since the one before.
func (e *Engine) Position() (local, replicated ltx.TXID, err error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return 0, 0, ErrClosed
	}
	pos, err := e.db.Pos()
	if err != nil {
		return 0, 0, fmt.Errorf("engine: position: %w", err)
	}
	return pos.TXID, e.db.Replica.Pos().TXID, nil
}

// Close replicates the remaining transactions and stops everything. It does not
// close the client. A second call does nothing.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	if err := e.store.Close(ctx); err != nil {
		return fmt.Errorf("engine: close: %w", err)
	}
	return nil
}
