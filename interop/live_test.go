package interop_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/verify"
)

// TestLive replicates to disks: see live.
func TestLive(t *testing.T) {
	for _, tr := range trees {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "replica")
			live(t, tr,
				func(t *testing.T, name string) ltxstore.ReplicaClient { return client(t, name, dir) },
				func(*testing.T) string { return dir })
		})
	}
}

// live replicates a database that several connections write to, stops and
// restarts the engine beside them, and restores every recorded moment with
// every client that can read the tree. open returns a new client of that
// name, mirror a folder with the replica's files as they are now.
func live(t *testing.T, tr tree, open func(t *testing.T, name string) ltxstore.ReplicaClient, mirror func(t *testing.T) string) {
	r := start(t, open(t, tr.clients[0]), nil)
	r.coarse = tr.coarse
	r.mark(t)
	r.mark(t)
	r.compacted(t, r.marks[1].TXID, 1, 2, ltxstore.SnapshotLevel)

	require.NoError(t, r.engine.Close(t.Context()))
	between := r.load.Transactions()
	eventually(t, "writing without the engine", func() bool { return r.load.Transactions() > between+10 })
	r.open(t)
	r.mark(t)
	r.mark(t)
	r.compacted(t, r.marks[3].TXID, 1, 2)
	r.stop(t)

	dir := mirror(t)
	for level := range tr.dirs {
		assert.NotEmpty(t, tr.files(t, dir, level), "level %d in %s", level, tr.dirs[level])
	}
	out := t.TempDir()
	for _, reader := range tr.clients {
		t.Run("restored by "+reader, func(t *testing.T) { r.restore(t, open(t, reader), out, reader) })
		t.Run("read by "+reader, func(t *testing.T) { checkReads(t, tr, dir, open(t, reader), !tr.coarse || reader != "stock") })
	}
	for _, reader := range tr.clients {
		t.Run("verified and restored by us over "+reader, func(t *testing.T) {
			r.restoredByUs(t, open(t, reader), out, tr.clients[0], reader)
		})
	}
	t.Run("same bytes", func(t *testing.T) {
		first, last := tr.clients[0], tr.clients[len(tr.clients)-1]
		if first == last {
			last = "again"
			r.restore(t, open(t, first), out, last)
		}
		targets, _ := r.targets()
		for i, target := range targets {
			if !r.skips(target, first, last) {
				require.NoError(t, dbcheck.CompareBytes(restored(out, first, i), restored(out, last, i)))
			}
		}
	})
}

// TestLostState restarts the engine without what it keeps beside the
// database: it must find its place from the replica alone.
func TestLostState(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "replica")
	r := start(t, client(t, "default", dir), func(cfg *engine.Config) { cfg.MetaDir = t.TempDir() })
	r.mark(t)
	require.NoError(t, r.engine.Close(t.Context()))
	r.cfg.MetaDir = t.TempDir()
	r.open(t)
	r.mark(t)
	require.Greater(t, r.marks[1].TXID, r.marks[0].TXID)
	r.stop(t)
	r.restore(t, client(t, "default", dir), t.TempDir(), "default")
}

// targets returns, for each mark, the ways to ask for it.
func (r *run) targets() (targets []engine.Target, contents []dbcheck.Content) {
	for _, mark := range r.marks {
		targets = append(targets, engine.Target{Time: mark.Time}, engine.Target{TXID: mark.TXID})
		contents = append(contents, mark.Content, mark.Content)
	}
	return append(targets, engine.Target{}), append(contents, contents[len(contents)-1])
}

// restore restores every target into out, and compares it with what the
// database held then. The newest is compared with the source itself too.
func (r *run) restore(t *testing.T, client ltxstore.ReplicaClient, out, reader string) {
	t.Helper()
	targets, contents := r.targets()
	for i, target := range targets {
		if r.skips(target, reader) {
			continue
		}
		path := restored(out, reader, i)
		require.NoError(t, engine.Restore(t.Context(), client, path, target, nil))
		require.NoError(t, dbcheck.Integrity(t.Context(), path))
		got, err := dbcheck.ReadFile(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, contents[i].Check(got), "%v of %v", target, r.marks)
	}
	require.NoError(t, dbcheck.Compare(t.Context(), r.db, restored(out, reader, len(targets)-1)))
}

// restoredByUs verifies a replica, and restores every target into the bytes that
// Litestream has restored over another client, that of the name reader.
func (r *run) restoredByUs(t *testing.T, client ltxstore.ReplicaClient, out, reader, name string) {
	t.Helper()
	report, err := verify.Run(t.Context(), client, verify.Config{})
	require.NoError(t, err)
	require.True(t, report.OK(), "%v", report.Findings)
	// A checkpoint after the last mark is a transaction that changes no content.
	require.GreaterOrEqual(t, report.Restore.TXID, r.marks[len(r.marks)-1].TXID)
	targets, _ := r.targets()
	for i, target := range targets {
		if r.skips(target, reader, name) {
			continue
		}
		path := filepath.Join(t.TempDir(), "ours.db")
		_, err := restore.Run(t.Context(), client, path, restore.Config{
			Target: restore.Target{TXID: target.TXID, Before: target.Time}, Check: dbcheck.Integrity,
		})
		require.NoError(t, err, target.String())
		require.NoError(t, dbcheck.CompareBytes(restored(out, reader, i), path), target.String())
	}
}

func restored(out, reader string, i int) string {
	return filepath.Join(out, fmt.Sprintf("%s-%d.db", reader, i))
}
