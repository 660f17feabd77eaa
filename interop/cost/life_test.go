package cost_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/restore"
)

// life is a database under Litestream's engine, with its default settings but for
// what is said here. It is played from one midnight on.
type life struct {
	title, played string

	write     time.Duration // between two writes; 0 is none
	snapshots time.Duration // SnapshotInterval and SnapshotRetention; 0 is a day
	pageSize  int           // of listings; 0 is S3's 1000

	from, to time.Duration // the time that is counted
	times    int           // how many times it is counted
	unplayed int           // syncs of a day that are not simulated, with one upload each
}

func lives() []life {
	return []life{
		{
			title: "idle", from: 2 * time.Hour, to: 3 * time.Hour, times: 24,
			played: "There are no writes. One hour is simulated and counted 24 times; it is a multiple of each of the engine's intervals.",
		}, {
			title: "one write a second", write: slow, snapshots: time.Hour, pageSize: 1000 / 24,
			from: 2 * time.Hour, to: 3 * time.Hour, times: 24, unplayed: int(24*time.Hour/time.Second - 24*time.Hour/slow),
			played: "A daily snapshot is kept for a day. To simulate that in a 24th of the time, counted 24 times, there is an hour between snapshots, " +
				"which are kept for an hour, and pages have 41 keys instead of 1000, so that level 1 has as many pages as in a day. " +
				"(The requests of a snapshot are thus counted 24 times instead of once: less than 1 % of the total.) " +
				"One write in 10 s is simulated; each of the others adds one upload.",
		}, {
			title: "one write a second, hourly snapshots kept for an hour", write: slow, snapshots: time.Hour,
			from: 2 * time.Hour, to: 3 * time.Hour, times: 24, unplayed: int(24*time.Hour/time.Second - 24*time.Hour/slow),
			played: "Retention deletes files. The third hour is simulated and counted 24 times, with one write in 10 s, and an upload for each of the other writes.",
		},
	}
}

// slow is the interval of simulated writes. A sync without a write makes no request. It is shorter
// than the intervals of all listings, so that a listing finds what it would with a write a second.
const slow = 10 * time.Second

// counts are requests by operation.
type counts map[string]int

func (c counts) plus(operation string, n int) counts {
	if n > 0 {
		c[operation] += n
	}
	return c
}

// play returns what a day of the life costs.
func (l life) play(t *testing.T, k kind) (total counts) {
	w := newWorld(t, l.pageSize)
	synctest.Test(t, func(t *testing.T) {
		db := w.begin(t, k, engine.Config{SyncInterval: slow, SnapshotInterval: l.snapshots, SnapshotRetention: l.snapshots})
		db.until(l.from, l.write)
		w.layer.Reset()
		db.until(l.to, l.write)
		total = make(counts)
		for operation, n := range w.layer.Counts() {
			total[operation] = n * l.times
		}
		total.plus("PutObject", l.unplayed)
	})
	return total
}

// replicated is a database and the engine that replicates it.
type replicated struct {
	t      *testing.T
	db     *sql.DB
	engine *engine.Engine
	since  time.Time
}

// begin makes a database and replicates it.
//
// Nothing happens at the same instant as something else, so that counts are exact:
// the store's clock moves at .75 s, the engine's tickers at .1 s, its compactions
// at .0 s, and writes come at .5 s.
func (w *world) begin(t *testing.T, k kind, cfg engine.Config) *replicated {
	t.Helper()
	db := &replicated{t: t, since: time.Now()}
	time.Sleep(750 * time.Millisecond)
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go w.tick(done)
	time.Sleep(350 * time.Millisecond)

	cfg.DB, cfg.Client = filepath.Join(t.TempDir(), "db"), w.client(t, k)
	var err error
	db.db, err = sql.Open("sqlite", "file:"+cfg.DB+"?_pragma=journal_mode(wal)&_pragma=synchronous(off)&_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.db.Close()) })
	db.exec(`CREATE TABLE event (x INTEGER)`)
	db.engine, err = engine.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.engine.Close(context.Background())) })
	return db
}

func (r *replicated) exec(statement string) {
	_, err := r.db.ExecContext(r.t.Context(), statement)
	require.NoError(r.t, err)
}

// until lets time pass, with a write every so often.
func (r *replicated) until(at, write time.Duration) {
	end := r.since.Add(at + 900*time.Millisecond)
	if write > 0 {
		first := time.Since(r.since).Truncate(write) + write/2
		for next := r.since.Add(first + 500*time.Millisecond); next.Before(end); next = next.Add(write) {
			time.Sleep(time.Until(next))
			r.exec(`INSERT INTO event VALUES (1)`)
		}
	}
	time.Sleep(time.Until(end))
}

// What is restored is the newest state, at restoreAt, or that of momentAt. The
// snapshot is of midnight.
const (
	restoreWrite = 30 * time.Second

	restoreAt = 4*time.Hour + 34*time.Minute + 56*time.Second
	momentAt  = 3*time.Hour + 10*time.Minute
)

// playRestores returns what a restore of the newest state and one to a moment cost:
// by Litestream's restore over each client and, last, by package restore over ours.
func playRestores(t *testing.T) (by [3][2]counts) {
	w := newWorld(t, 0)
	synctest.Test(t, func(t *testing.T) {
		db := w.begin(t, ours, engine.Config{SyncInterval: restoreWrite, L0RetentionCheck: 5 * time.Minute})
		db.until(restoreAt, restoreWrite)
		require.NoError(t, db.engine.Close(t.Context()))
		count := func(do func(out string) error) counts {
			w.layer.Reset()
			require.NoError(t, do(filepath.Join(t.TempDir(), "restored")))
			return w.layer.Counts()
		}
		for i, at := range []time.Time{{}, db.since.Add(momentAt)} {
			for _, k := range []kind{stock, ours} {
				by[k][i] = count(func(out string) error {
					return engine.Restore(t.Context(), w.client(t, k), out, engine.Target{Time: at}, nil)
				})
			}
			by[2][i] = count(func(out string) error {
				_, err := restore.Run(t.Context(), w.client(t, ours), out, restore.Config{Target: restore.Target{Before: at}})
				return err
			})
		}
	})
	return by
}
