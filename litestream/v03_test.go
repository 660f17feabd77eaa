package litestream_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	engine "github.com/benbjohnson/litestream"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/mock"
)

// The engine restores a snapshot and a WAL file that v0.3 wrote.
func TestEngineRestoresV03(t *testing.T) {
	const generation = "00000000000000ab"
	app, path := database(t)
	app.SetMaxOpenConns(1)
	_, err := app.Exec(`PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 0`)
	require.NoError(t, err)
	snapshot, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = app.Exec(`INSERT INTO t VALUES (1), (2), (3)`)
	require.NoError(t, err)
	wal, err := os.ReadFile(path + "-wal")
	require.NoError(t, err)

	dir := t.TempDir()
	for name, content := range map[string][]byte{
		engine.SnapshotPathV3("", generation, 0):                snapshot,
		engine.WALSegmentPathV3("", generation, 0, 0):           wal[:4096],
		engine.WALSegmentPathV3("", generation, 0, 4096):        wal[4096:],
		"generations/not-a-generation/snapshots/0.snapshot.lz4": nil,
	} {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		_, err := w.Write(content)
		require.NoError(t, errors.Join(err, w.Close()))
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644))
	}
	store := file.NewReplicaClient(file.Config{Path: dir, Layout: ltxstore.LayoutLitestream, Logger: silent()})
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	c := litestream.Client(store)
	old := c.(engine.ReplicaClientV3)
	names, err := old.GenerationsV3(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{generation}, names)
	snapshots, err := old.SnapshotsV3(t.Context(), generation)
	require.NoError(t, err)
	require.Len(t, snapshots, 1)
	assert.False(t, snapshots[0].CreatedAt.IsZero())
	segments, err := old.WALSegmentsV3(t.Context(), generation)
	require.NoError(t, err)
	require.Len(t, segments, 2)
	assert.Equal(t, int64(4096), segments[1].Offset)
	r, err := old.OpenSnapshotV3(t.Context(), generation, 0)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, errors.Join(err, r.Close()))
	assert.Equal(t, snapshot, got)

	opts := engine.NewRestoreOptions()
	opts.OutputPath = filepath.Join(t.TempDir(), "restored.db")
	require.NoError(t, engine.NewReplicaWithClient(nil, c).Restore(t.Context(), opts))
	assert.Equal(t, 3, rowsIn(t, opts.OutputPath))
}

// A client that cannot list such files has none, which is no failure.
func TestNoV03(t *testing.T) {
	plain := struct{ ltxstore.ReplicaClient }{mock.NewReplicaClient(mock.Config{})}
	names, err := litestream.Client(plain).(engine.ReplicaClientV3).GenerationsV3(t.Context())
	require.NoError(t, err)
	assert.Empty(t, names)
	_, err = litestream.Client(plain).(engine.ReplicaClientV3).SnapshotsV3(t.Context(), "00000000000000ab")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = litestream.Client(plain).(engine.ReplicaClientV3).WALSegmentsV3(t.Context(), "00000000000000ab")
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
