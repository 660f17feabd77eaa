package interop_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/engine"
)

// TestRetention lets the engine delete through our client: old files go, on
// every level, from the tree as from the listing, and what is left restores.
func TestRetention(t *testing.T) {
	t.Parallel()
	tr := trees[0]
	dir := filepath.Join(t.TempDir(), "replica")
	r := start(t, client(t, tr.clients[0], dir), func(cfg *engine.Config) {
		cfg.SnapshotInterval, cfg.SnapshotRetention = 300*time.Millisecond, 600*time.Millisecond
		cfg.L0Retention, cfg.L0RetentionCheck = 300*time.Millisecond, 100*time.Millisecond
	})
	firsts := make(map[int]ltx.TXID) // what each level once began with
	for _, level := range []int{0, 1, 2} {
		r.compacted(t, 1, level)
		firsts[level] = 1
	}
	r.compacted(t, 1, ltxstore.SnapshotLevel)
	firstSnapshot := list(t, r.cfg.Client, ltxstore.SnapshotLevel)[0].MaxTXID

	for level, first := range firsts {
		eventually(t, "retention", func() bool { return list(t, r.cfg.Client, level)[0].MinTXID > first })
	}
	eventually(t, "retention of snapshots", func() bool {
		return list(t, r.cfg.Client, ltxstore.SnapshotLevel)[0].MaxTXID > firstSnapshot
	})
	r.stop(t)

	for level := range tr.dirs {
		require.Len(t, list(t, r.cfg.Client, level), len(tr.files(t, dir, level)), "level %d", level)
	}
	require.Less(t, len(tr.files(t, dir, 0)), int(r.marks[0].TXID), "level 0 still has a file for every transaction")
	r.restore(t, client(t, tr.clients[0], dir), t.TempDir(), "after retention")
}
