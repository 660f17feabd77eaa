package litestream_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/restore"
)

// database makes a database with a table t, and returns it and its path.
func database(t *testing.T) (*sql.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	_, err = db.Exec(`PRAGMA journal_mode = wal; CREATE TABLE t (x)`)
	require.NoError(t, err)
	return db, path
}

func rowsIn(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	err = db.QueryRow(`SELECT count(*) FROM t`).Scan(&n)
	require.NoError(t, errors.Join(err, db.Close()))
	return n
}

// The engine replicates to each store, compacts, takes a snapshot, and restores;
// this library restores the same.
func TestEngine(t *testing.T) {
	onAll(t, func(t *testing.T, c engine.ReplicaClient) {
		app, path := database(t)
		db := engine.NewDB(path)
		db.Replica = litestream.Replica(db, c)
		db.MonitorInterval, db.Replica.MonitorEnabled = 0, false
		store := engine.NewStore([]*engine.DB{db}, engine.CompactionLevels{{Level: 0}, {Level: 1, Interval: 1}})
		store.CompactionMonitorEnabled, store.L0RetentionCheckInterval = false, 0
		store.Logger = silent()
		db.SetLogger(silent())
		require.NoError(t, store.Open(t.Context()))
		for range 5 {
			_, err := app.Exec(`INSERT INTO t VALUES (randomblob(5000))`)
			require.NoError(t, err)
			require.NoError(t, db.SyncAndWait(t.Context()))
		}
		_, err := db.Compact(t.Context(), 1)
		require.NoError(t, err)
		_, err = db.Snapshot(t.Context())
		require.NoError(t, err)
		_, err = app.Exec(`INSERT INTO t VALUES (1)`)
		require.NoError(t, err)
		require.NoError(t, store.Close(context.WithoutCancel(t.Context())), "which syncs")

		theirs, ours := filepath.Join(t.TempDir(), "theirs.db"), filepath.Join(t.TempDir(), "ours.db")
		opts := engine.NewRestoreOptions()
		opts.OutputPath, opts.IntegrityCheck = theirs, engine.IntegrityCheckFull
		require.NoError(t, engine.NewReplicaWithClient(nil, c).Restore(t.Context(), opts))
		assert.Equal(t, 6, rowsIn(t, theirs))
		_, err = restore.Run(t.Context(), c, ours, restore.Config{})
		require.NoError(t, err)
		assert.Equal(t, 6, rowsIn(t, ours))

		opts = engine.NewRestoreOptions()
		opts.OutputPath, opts.TXID = filepath.Join(t.TempDir(), "earlier.db"), ltx.TXID(3)
		require.NoError(t, engine.NewReplicaWithClient(nil, c).Restore(t.Context(), opts))
		assert.Less(t, rowsIn(t, opts.OutputPath), 6)
	})
}
