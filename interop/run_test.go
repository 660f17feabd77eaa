package interop_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/interop/sample"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// run is a database that is written to and replicated, and what it held at
// the moments that were marked.
type run struct {
	db     string
	cfg    engine.Config
	engine *engine.Engine
	load   *sample.Load
	marks  []engine.Mark

	// coarse says that Litestream's own client does not tell the times of the
	// headers, so that no moment can be restored over it.
	coarse bool
}

// skips reports whether one of the readers cannot restore the target.
func (r *run) skips(target engine.Target, readers ...string) bool {
	return r.coarse && !target.Time.IsZero() && slices.Contains(readers, "stock")
}

// start makes a database, begins to write to it, and replicates it.
func start(t *testing.T, client ltxstore.ReplicaClient, change func(*engine.Config)) *run {
	t.Helper()
	r := &run{db: filepath.Join(t.TempDir(), "source.db")}
	require.NoError(t, sample.Create(t.Context(), r.db, sample.Options{Orders: 300}))
	r.cfg = engine.Config{
		DB:               r.db,
		Client:           client,
		Levels:           []time.Duration{200 * time.Millisecond, 600 * time.Millisecond},
		SnapshotInterval: time.Second,
		L0Retention:      time.Hour, // every sync can be restored
		SyncInterval:     50 * time.Millisecond,
	}
	if change != nil {
		change(&r.cfg)
	}
	r.open(t)

	var err error
	r.load, err = sample.Start(t.Context(), r.db, sample.LoadOptions{Connections: 3})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.load.Stop() })
	return r
}

func (r *run) open(t *testing.T) {
	t.Helper()
	var err error
	r.engine, err = engine.Open(t.Context(), r.cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.engine.Close(context.Background()) })
}

// mark records this moment, and returns when the engine has replicated more.
func (r *run) mark(t *testing.T) {
	t.Helper()
	r.record(t)
	after := r.marks[len(r.marks)-1].TXID + 2
	eventually(t, "more is replicated", func() bool {
		_, replicated, err := r.engine.Position()
		require.NoError(t, err)
		return replicated >= after
	})
}

func (r *run) record(t *testing.T) {
	t.Helper()
	mark, err := r.engine.Mark(t.Context())
	require.NoError(t, err)
	require.NotZero(t, mark.Content.Rows())
	r.marks = append(r.marks, mark)
}

// compacted returns when each level reaches transaction txid.
func (r *run) compacted(t *testing.T, txid ltx.TXID, levels ...int) {
	t.Helper()
	for _, level := range levels {
		eventually(t, "compaction", func() bool {
			files := list(t, r.cfg.Client, level)
			return len(files) > 0 && files[len(files)-1].MaxTXID >= txid
		})
	}
}

// stop ends the writing, records the last moment, and stops the engine.
func (r *run) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, r.load.Stop())
	r.record(t)
	require.NoError(t, r.engine.Close(t.Context()))
	require.Greater(t, r.load.Transactions(), int64(len(r.marks)))
}

func list(t *testing.T, client ltxstore.ReplicaClient, level int) []*ltx.FileInfo {
	t.Helper()
	files, err := ltxstore.FindLTXFiles(t.Context(), client, level, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
	require.NoError(t, err)
	return files
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !is(); <-tick.C {
		require.False(t, time.Now().After(deadline), "%s: not after %v", what, patience)
	}
}
