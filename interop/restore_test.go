package interop_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/transfer"
	"github.com/ltxstore/ltxstore/verify"
)

// TestRestore restores what the stock engine has written with its own file
// client: every transaction, every moment that was marked, and the newest
// state are the bytes that Litestream's restore yields. So are those of a copy
// in another layout.
func TestRestore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "replica")
	stock := client(t, "stock", dir)
	r := start(t, stock, nil)
	r.mark(t)
	r.mark(t)
	r.compacted(t, r.marks[1].TXID, 1, 2, ltxstore.SnapshotLevel)
	r.mark(t)
	r.stop(t)

	ours := client(t, "litestream", dir)
	report, err := verify.Run(t.Context(), ours, verify.Config{})
	require.NoError(t, err)
	assert.True(t, report.OK(), report.Findings)
	last := r.marks[len(r.marks)-1].TXID
	require.Equal(t, last, report.Restore.TXID)

	elsewhere := client(t, "default", t.TempDir())
	copied, err := transfer.Run(t.Context(), elsewhere, ours, transfer.Config{})
	require.NoError(t, err)
	require.Equal(t, report.Files, copied.Files[transfer.Copied])

	targets, _ := r.targets()
	for txid := ltx.TXID(1); txid <= last; txid += 1 + last/50 {
		targets = append(targets, engine.Target{TXID: txid})
	}
	for _, level := range []int{0, 1, 2, 9} {
		for _, info := range list(t, ours, level) {
			if info.MaxTXID%5 == 0 {
				targets = append(targets, engine.Target{Time: info.CreatedAt})
			}
		}
	}
	// What the command copies, without being told a layout, the stock client restores.
	kept := filepath.Join(t.TempDir(), "kept")
	cp := exec.CommandContext(t.Context(), "go", "run", "./cmd/ltxstore", "cp", "-yes", dir, kept)
	cp.Dir = ".."
	out, err := cp.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "from layout litestream to layout litestream\n")
	readers := []ltxstore.ReplicaClient{stock, ours, elsewhere, client(t, "stock", kept)}
	requireSameRestores(t, stock, readers, targets)
}

// requireSameRestores restores each target with Litestream, over its own
// client, and with our package, over each of readers.
func requireSameRestores(t *testing.T, stock ltxstore.ReplicaClient, readers []ltxstore.ReplicaClient, targets []engine.Target) {
	t.Helper()
	out := t.TempDir()
	restored := 0
	for i, target := range targets {
		theirs := filepath.Join(out, fmt.Sprintf("theirs-%d.db", i))
		err := engine.Restore(t.Context(), stock, theirs, target, nil)
		for j, reader := range readers {
			path := filepath.Join(out, fmt.Sprintf("ours-%d-%d.db", i, j))
			result, ourErr := restore.Run(t.Context(), reader, path, restore.Config{
				Target: restore.Target{TXID: target.TXID, Before: target.Time},
				Check:  dbcheck.Integrity,
			})
			if err != nil { // no file is that old
				require.ErrorAs(t, ourErr, new(*restore.UnreachableError), "%v: Litestream says: %v", target, err)
				continue
			}
			require.NoError(t, ourErr, target.String())
			require.NoError(t, dbcheck.CompareBytes(theirs, path), target.String())
			if target.TXID != 0 {
				require.Equal(t, target.TXID, result.TXID)
			}
			restored++
		}
	}
	require.Greater(t, restored, len(targets)*len(readers)/2, "too few restores to mean anything")
}

// TestRestorePartly takes levels away from a replica: what is left is restored
// as Litestream does it, or refused because of a gap.
func TestRestorePartly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "replica")
	r := start(t, client(t, "stock", dir), nil)
	r.mark(t)
	r.compacted(t, r.marks[0].TXID, 1, 2, ltxstore.SnapshotLevel)
	r.stop(t)
	all := client(t, "litestream", dir)
	for _, levels := range [][]int{{9}, {2, 9}, {1, 9}, {0}, {0, 9}, {1}, {0, 1, 2}} {
		left := t.TempDir()
		stock, ours := client(t, "stock", left), client(t, "litestream", left)
		_, err := transfer.Run(t.Context(), ours, all, transfer.Config{Levels: levels})
		require.NoError(t, err)
		requireSameRestores(t, stock, []ltxstore.ReplicaClient{ours}, []engine.Target{{}})
	}
}
