package engine

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/interop/dbcheck"
)

// Mark is the state of a live database at a moment, and how to restore it.
type Mark struct {
	// Time, in whole milliseconds, UTC, is right after the last transaction
	// of the moment and before any later one. A restore to it yields Content
	// as long as level 0 reaches back to it.
	Time time.Time

	// TXID is the last transaction of the moment.
	TXID ltx.TXID

	// Content is the content of the database.
	Content dbcheck.Content
}

// markTimeout bounds the wait for the write lock, which transactions of other
// connections may hold.
const markTimeout = 30 * time.Second

// Mark replicates all committed transactions and records the moment. Writers
// are blocked during one short sync; the content is read concurrently with
// them, in a read transaction.
func (e *Engine) Mark(ctx context.Context) (Mark, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return Mark{}, ErrClosed
	}
	mark, err := e.mark(ctx)
	if err != nil {
		return Mark{}, fmt.Errorf("engine: mark: %w", err)
	}
	return mark, nil
}

func (e *Engine) mark(ctx context.Context) (Mark, error) {
	return MarkBy(ctx, e.path, func(ctx context.Context) (ltx.TXID, error) {
		if err := e.sync(ctx); err != nil {
			return 0, err
		}
		pos, err := e.db.Pos()
		return pos.TXID, err
	})
}

// MarkBy is Engine.Mark for an engine in another process. sync makes it replicate
// all committed transactions of the database at path, and returns the last one.
func MarkBy(ctx context.Context, path string, sync func(context.Context) (ltx.TXID, error)) (mark Mark, err error) {
	// The sync under the lock should find nothing big to copy and no
	// checkpoint due, which would want the lock itself.
	if _, err := sync(ctx); err != nil {
		return mark, err
	}
	db, err := dbcheck.OpenLive(path, markTimeout)
	if err != nil {
		return mark, err
	}
	defer db.Close()

	snapshot, err := mark.pin(ctx, db, sync)
	if err != nil {
		return mark, err
	}
	defer snapshot.Rollback()
	mark.Content, err = dbcheck.Read(ctx, snapshot)
	return mark, err
}

// pin returns a read transaction that sees exactly what was replicated as
// m.TXID, and sets m's time and transaction.
func (m *Mark) pin(ctx context.Context, db *sql.DB, sync func(context.Context) (ltx.TXID, error)) (snapshot *sql.Tx, err error) {
	lock, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if _, err := lock.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return nil, fmt.Errorf("take the write lock: %w", err)
	}
	defer lock.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)

	if m.TXID, err = sync(ctx); err != nil {
		return nil, err
	}
	snapshot, err = db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = snapshot.Rollback()
		}
	}()
	// A deferred transaction sees nothing yet: its first read pins it.
	var tables int
	if err := snapshot.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return nil, err
	}

	// Files carry their time in milliseconds, and a restore takes those
	// before its target: the next millisecond takes all that is here, and
	// nothing that is written once it has begun.
	m.Time = time.Now().UTC().Truncate(time.Millisecond).Add(time.Millisecond)
	return snapshot, waitUntil(ctx, m.Time)
}

func waitUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
