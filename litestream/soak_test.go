//go:build soak

package litestream_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/verify"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/mirror"
)

var soakFor = flag.Duration("for", 30*time.Minute, "how long the soak test writes")

// TestSoak writes to a database in front of each of five stores, of whose operations
// one in twenty fails, before or after it was done, and restores what they hold:
//
//	go test -tags soak -run TestSoak -timeout 0 . -for 30m
func TestSoak(t *testing.T) {
	replicas := map[string]func(t *testing.T, steady *atomic.Bool) ltxstore.ReplicaClient{
		"mirror of compressed mock and file": func(t *testing.T, steady *atomic.Bool) ltxstore.ReplicaClient {
			packed := compress.New(faulty{mock.NewReplicaClient(mock.Config{Logger: silent()}), steady}, compress.Config{})
			return mirror.New(packed, mirror.Config{Others: []ltxstore.ReplicaClient{faulty{stores["file"](t), steady}}})
		},
	}
	for name, open := range stores {
		replicas[name] = func(t *testing.T, steady *atomic.Bool) ltxstore.ReplicaClient { return faulty{open(t), steady} }
	}
	for name, open := range replicas {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steady := new(atomic.Bool)
			soak(t, open(t, steady), steady)
		})
	}
}

func soak(t *testing.T, client ltxstore.ReplicaClient, steady *atomic.Bool) {
	app, path := database(t)
	_, err := app.Exec(`PRAGMA busy_timeout = 20000; CREATE TABLE s (id INTEGER PRIMARY KEY, x BLOB)`)
	require.NoError(t, err)
	app.SetMaxOpenConns(1)
	db := engine.NewDB(path)
	db.Replica = litestream.Replica(db, client)
	db.MonitorInterval, db.Replica.SyncInterval = 50*time.Millisecond, 50*time.Millisecond
	store := engine.NewStore([]*engine.DB{db}, engine.CompactionLevels{{Level: 0}, {Level: 1, Interval: 2 * time.Second}, {Level: 2, Interval: 10 * time.Second}})
	store.Logger = silent()
	db.SetLogger(silent())
	store.SnapshotInterval, store.SnapshotRetention = 30*time.Second, time.Minute
	store.L0RetentionCheckInterval = time.Second
	store.SetL0Retention(5 * time.Second)
	require.NoError(t, store.Open(t.Context()))

	transactions := 0
	for end := time.Now().Add(*soakFor); time.Now().Before(end); transactions++ {
		size := 100 + rand.IntN(8000)
		_, err := app.Exec(`INSERT INTO s (x) VALUES (randomblob(?)); DELETE FROM s WHERE id % 7 = ? AND id < (SELECT max(id) FROM s) - 500; UPDATE s SET x = randomblob(?) WHERE id % 97 = ?`,
			size, rand.IntN(7), size, rand.IntN(97))
		require.NoError(t, err)
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	}
	local, err := db.Pos()
	require.NoError(t, err)
	t.Logf("%d transactions, %d of %d files replicated when the writing ends", transactions, db.Replica.Pos().TXID, local.TXID)
	for err, last := db.SyncAndWait(t.Context()), time.Now().Add(2*time.Minute); err != nil; err = db.SyncAndWait(t.Context()) {
		require.True(t, time.Now().Before(last), "%v", err)
	}
	require.NoError(t, store.Close(context.WithoutCancel(t.Context())))

	steady.Store(true)
	restored := filepath.Join(t.TempDir(), "restored.db")
	result, err := restore.Run(t.Context(), client, restored, restore.Config{})
	require.NoError(t, err)
	require.Equal(t, digest(t, path), digest(t, restored))
	report, err := verify.Run(t.Context(), client, verify.Config{})
	require.NoError(t, err)
	assert.True(t, report.OK(), report.Findings)
	t.Logf("%d transactions, restored %s of %d files, %d files in the replica", transactions, result.TXID, result.Files, report.Files)
}

// digest hashes what a database holds, of the application's.
func digest(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	var check string
	require.NoError(t, db.QueryRow(`PRAGMA integrity_check`).Scan(&check))
	require.Equal(t, "ok", check)
	rows, err := db.Query(`SELECT id, x FROM s ORDER BY id`)
	require.NoError(t, err)
	defer rows.Close()
	hash, n := sha256.New(), 0
	for ; rows.Next(); n++ {
		var id int64
		var x []byte
		require.NoError(t, rows.Scan(&id, &x))
		fmt.Fprintf(hash, "%d %d\n", id, len(x))
		hash.Write(x)
	}
	require.NoError(t, rows.Err())
	return fmt.Sprintf("%d rows, %x", n, hash.Sum(nil))
}

// faulty fails one in twenty operations, before or after it was done, until it is
// steady, for the restores that judge.
type faulty struct {
	ltxstore.ReplicaClient
	steady *atomic.Bool
}

func (f faulty) Unwrap() ltxstore.ReplicaClient { return f.ReplicaClient }

var errLost = &ltxstore.Error{Op: "soak", Backend: "soak", Kind: ltxstore.ErrUnavailable, Err: errors.New("the answer is lost")}

// fails reports whether to fail, before or after.
func (f faulty) fails() (before, after bool) {
	n := rand.IntN(40)
	return !f.steady.Load() && n == 0, !f.steady.Load() && n == 1
}

func (f faulty) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if before, after := f.fails(); before || after {
		return nil, errLost
	}
	return f.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
}

func (f faulty) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	before, after := f.fails()
	if before {
		return nil, errLost
	}
	r, err := f.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err == nil && after { // it breaks on the way
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r, 150), broken{errLost}), r}, nil
	}
	return r, err
}

func (f faulty) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	before, after := f.fails()
	if before {
		return nil, errLost
	}
	info, err := f.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
	if err == nil && after {
		return nil, errLost
	}
	return info, err
}

func (f faulty) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	before, after := f.fails()
	if before {
		return errLost
	}
	err := f.ReplicaClient.DeleteLTXFiles(ctx, files)
	if err == nil && after {
		return errLost
	}
	return err
}
