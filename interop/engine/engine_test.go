package engine_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/interop/sample"
)

func sampleDB(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.db")
	require.NoError(t, sample.Create(t.Context(), path, sample.Options{Orders: 20}))
	return path
}

func client(t *testing.T) *file.ReplicaClient {
	t.Helper()
	c := file.NewReplicaClient(file.Config{Path: t.TempDir()})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func open(t *testing.T, cfg engine.Config) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func exec(t *testing.T, path, statement string) {
	t.Helper()
	db, err := dbcheck.OpenLive(path, 10*time.Second)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), statement)
	require.NoError(t, errors.Join(err, db.Close()))
}

func TestConfig(t *testing.T) {
	good := engine.Config{DB: sampleDB(t), Client: client(t)}
	for _, tc := range []struct {
		says   string
		change func(*engine.Config)
	}{
		{"Config.DB is empty", func(c *engine.Config) { c.DB = "" }},
		{`Config.DB is "a?b.db"`, func(c *engine.Config) { c.DB = "a?b.db" }},
		{`Config.DB is "a%b.db"`, func(c *engine.Config) { c.DB = "a%b.db" }},
		{"Config.Client is nil", func(c *engine.Config) { c.Client = nil }},
		{"Config.Levels[1] is 0s", func(c *engine.Config) { c.Levels = []time.Duration{1, 0} }},
		{"Config.SnapshotInterval is -1ns", func(c *engine.Config) { c.SnapshotInterval = -1 }},
		{"Config.SnapshotRetention is -1ns", func(c *engine.Config) { c.SnapshotRetention = -1 }},
		{"Config.L0Retention is -1ns", func(c *engine.Config) { c.L0Retention = -1 }},
		{"Config.L0RetentionCheck is -1ns", func(c *engine.Config) { c.L0RetentionCheck = -1 }},
		{"Config.SyncInterval is -1ns", func(c *engine.Config) { c.SyncInterval = -1 }},
	} {
		cfg := good
		tc.change(&cfg)
		_, err := engine.Open(t.Context(), cfg)
		require.ErrorIs(t, err, fs.ErrInvalid, tc.says)
		require.ErrorContains(t, err, tc.says)
	}
}

// TestOpenFails: what cannot work is an error of Open, not a line in a log.
func TestOpenFails(t *testing.T) {
	t.Run("not a database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "text")
		require.NoError(t, os.WriteFile(path, make([]byte, 4096), 0o600))
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteString("this is no SQLite database")
		require.NoError(t, errors.Join(err, f.Close()))
		_, err = engine.Open(t.Context(), engine.Config{DB: path, Client: client(t)})
		require.ErrorContains(t, err, "not a database")
	})
	t.Run("no database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "missing.db")
		_, err := engine.Open(t.Context(), engine.Config{DB: path, Client: client(t)})
		require.Error(t, err)
		require.NoFileExists(t, path)
	})
	t.Run("replica", func(t *testing.T) {
		broken := errors.New("out of order")
		_, err := engine.Open(t.Context(), engine.Config{DB: sampleDB(t), Client: failing{client(t), broken}})
		require.ErrorIs(t, err, broken)
	})
}

type failing struct {
	ltxstore.ReplicaClient
	err error
}

func (f failing) LTXFiles(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
	return nil, f.err
}

func TestSyncAndRestore(t *testing.T) {
	path, c := sampleDB(t), client(t)
	e := open(t, engine.Config{DB: path, Client: c, SyncInterval: time.Hour})
	first, err := e.Mark(t.Context())
	require.NoError(t, err)

	exec(t, path, `CREATE TABLE later (x); INSERT INTO later VALUES (1)`)
	require.NoError(t, e.Sync(t.Context()))
	local, replicated, err := e.Position()
	require.NoError(t, err)
	assert.Equal(t, first.TXID+1, local)
	assert.Equal(t, local, replicated)
	second, err := e.Mark(t.Context())
	require.NoError(t, err)
	require.ErrorIs(t, first.Content.Check(second.Content), dbcheck.ErrDifferent)
	require.True(t, second.Time.After(first.Time))

	exec(t, path, `INSERT INTO later VALUES (2)`)
	require.NoError(t, e.Close(t.Context()), "which syncs")
	require.NoError(t, e.Close(t.Context()), "twice is once")

	for _, tc := range []struct {
		target engine.Target
		want   dbcheck.Content
	}{
		{engine.Target{Time: first.Time}, first.Content},
		{engine.Target{TXID: first.TXID}, first.Content},
		{engine.Target{Time: second.Time}, second.Content},
		{engine.Target{TXID: second.TXID}, second.Content},
	} {
		out := filepath.Join(t.TempDir(), "out.db")
		require.NoError(t, engine.Restore(t.Context(), c, out, tc.target, nil))
		got, err := dbcheck.ReadFile(t.Context(), out)
		require.NoError(t, err)
		require.NoError(t, tc.want.Check(got), tc.target.String())
	}
	out := filepath.Join(t.TempDir(), "latest.db")
	require.NoError(t, engine.Restore(t.Context(), c, out, engine.Target{}, nil))
	require.NoError(t, dbcheck.Compare(t.Context(), path, out))
}

func TestClosed(t *testing.T) {
	e := open(t, engine.Config{DB: sampleDB(t), Client: client(t)})
	require.NoError(t, e.Close(t.Context()))
	require.ErrorIs(t, e.Sync(t.Context()), engine.ErrClosed)
	_, err := e.Mark(t.Context())
	require.ErrorIs(t, err, engine.ErrClosed)
	_, _, err = e.Position()
	require.ErrorIs(t, err, engine.ErrClosed)
}

func TestRestoreRefuses(t *testing.T) {
	c, dir := client(t), t.TempDir()
	out := filepath.Join(dir, "out.db")
	err := engine.Restore(t.Context(), c, out, engine.Target{}, nil)
	require.ErrorIs(t, err, litestream.ErrTxNotAvailable)
	require.ErrorContains(t, err, "restore latest")
	err = engine.Restore(t.Context(), c, out, engine.Target{TXID: 7}, nil)
	require.ErrorContains(t, err, "restore transaction 0000000000000007")
	require.ErrorIs(t, engine.Restore(t.Context(), c, out, engine.Target{TXID: 7, Time: time.Unix(1, 0)}, nil), fs.ErrInvalid)
	require.ErrorIs(t, engine.Restore(t.Context(), nil, out, engine.Target{}, nil), fs.ErrInvalid)
	require.ErrorIs(t, engine.Restore(t.Context(), c, "", engine.Target{}, nil), fs.ErrInvalid)
	require.ErrorIs(t, engine.Restore(t.Context(), c, dir, engine.Target{}, nil), fs.ErrExist)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, "nothing half-done stays")
}
