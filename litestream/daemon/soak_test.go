package daemon

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/verify"
)

var soakFor = flag.Duration("soak", 0, "how long TestSoak writes; 0 is a few transactions")

// TestSoak has a daemon replicate databases that are written to all the time to
// stores of whose requests one in twenty fails. It restarts the daemon twice, and compares what is
// restored, while requests go on to fail, with the databases. `make soak` runs it for
// half an hour.
func TestSoak(t *testing.T) {
	g, stores := newGround(t), newFlakyStores(t)
	names := []string{"file", "s3", "gcs", "abs", "webdav", "mirror"}
	for _, name := range names {
		g.exec(name+".db", `CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)`)
	}
	cfg := g.parse(stores.expand(`
logging: {level: error}
levels: [{interval: 2s}, {interval: 10s}]
snapshot: {interval: 30s, retention: 1m}
l0-retention: 5s
l0-retention-check-interval: 1s
validation: {interval: 1m}
shutdown-sync-timeout: 5m
dbs:
  - {path: $DIR/file.db, replica: {path: $DIR/file, flaky: true}}
  - {path: $DIR/s3.db, replica: {url: "s3://bucket/app", endpoint: $S3, region: us-east-1, access-key-id: id, secret-access-key: secret, $QUICK}}
  - {path: $DIR/gcs.db, replica: {url: "gs://bucket/app", endpoint: $GCS, $QUICK}}
  - {path: $DIR/abs.db, replica: {url: "abs://account@container/app", endpoint: $ABS, account-key: a2V5, $QUICK}}
  - {path: $DIR/webdav.db, replica: {url: "$DAV/app", $QUICK}}
  - path: $DIR/mirror.db
    replicas:
      - {path: $DIR/mirrored, compress: true, flaky: true}
      - {url: "s3://bucket/mirrored", endpoint: $S3, region: us-east-1, access-key-id: id, secret-access-key: secret, $QUICK}
`))

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	transactions := make([]atomic.Int64, len(names))
	for i, name := range names {
		writers.Go(func() { write(ctx, t, g.path(name+".db"), &transactions[i]) })
	}
	for round := range int64(3) {
		d, err := Open(t.Context(), cfg, g.options())
		require.NoError(t, err, g.log)
		for begin := time.Now(); time.Since(begin) < *soakFor/3; {
			time.Sleep(time.Second)
		}
		for i := range transactions {
			g.eventually(func() bool { return transactions[i].Load() >= 20*(round+1) }, "written to")
		}
		if round == 2 {
			stop()
			writers.Wait()
		}
		require.NoError(t, d.Close(t.Context()), g.log)
	}

	for i, name := range names {
		replicas, err := openReplicas(t.Context(), cfg.DBs[i].Replicas, g.options().Logger)
		require.NoError(t, err)
		for n, replica := range replicas.each {
			copied := fmt.Sprintf("%s-%d.db", name, n)
			result, err := restore.Run(t.Context(), replica, g.path(copied), restore.Config{})
			require.NoError(t, err, name)
			assert.Equal(t, digest(t, g.path(name+".db")), digest(t, g.path(copied)), name)
			report, err := verify.Run(t.Context(), replica, verify.Config{})
			require.NoError(t, err, name)
			assert.True(t, report.OK(), "%s: %v", name, report.Findings)
			t.Logf("%s: %d transactions, restored %s of %d files, %d files in the replica",
				name, transactions[i].Load(), result.TXID, result.Files, report.Files)
		}
		require.NoError(t, replicas.close())
	}
	for name, count := range stores.counts() {
		t.Logf("%s: %s", name, count)
	}
	assert.NotContains(t, g.log.String(), "panic")
}

// A failure that passes does not reach the engine, also of a store whose client
// repeats nothing; one that was told to repeat nothing is believed.
func TestRepeated(t *testing.T) {
	g := newGround(t)
	open := func(replica string) ltxstore.ReplicaClient {
		cfg := g.parse(`dbs: [{path: $DIR/app.db, replica: ` + replica + `}]`)
		replicas, err := openReplicas(t.Context(), cfg.DBs[0].Replicas, g.options().Logger)
		require.NoError(t, err)
		return replicas.each[0].ReplicaClient
	}
	client := open(`{path: $DIR/r, flaky: true}`)
	for range 200 {
		require.NoError(t, client.DeleteLTXFiles(t.Context(), nil))
	}
	assert.NotContains(t, fmt.Sprintf("%T", open(`{url: "s3://bucket/app", region: x, retry-max-attempts: 1}`)), "retry.")
}

// write writes transactions until ctx ends.
func write(ctx context.Context, t *testing.T, path string, n *atomic.Int64) {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(60000)")
	if !assert.NoError(t, err) {
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for ctx.Err() == nil {
		size := 100 + rand.IntN(8000)
		_, err := db.Exec(`INSERT INTO t (x) VALUES (randomblob(?));
			DELETE FROM t WHERE id % 7 = ? AND id < (SELECT max(id) FROM t) - 500;
			UPDATE t SET x = randomblob(?) WHERE id % 97 = ?`, size, rand.IntN(7), size, rand.IntN(97))
		if !assert.NoError(t, err) {
			return
		}
		n.Add(1)
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	}
}

// digest hashes what a database holds.
func digest(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	var check string
	require.NoError(t, db.QueryRow(`PRAGMA integrity_check`).Scan(&check))
	require.Equal(t, "ok", check)
	rows, err := db.Query(`SELECT id, x FROM t ORDER BY id`)
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
	require.NoError(t, errors.Join(rows.Err()))
	return fmt.Sprintf("%d rows, %x", n, hash.Sum(nil))
}

// expand fills in where the stores are; what it does not know stays.
func (s *flakyStores) expand(yaml string) string {
	return strings.NewReplacer("$S3", s.url["s3"], "$GCS", s.url["gcs"], "$ABS", s.url["abs"], "$DAV", strings.Replace(s.url["webdav"], "http", "webdav", 1),
		"$QUICK", "retry-base-delay: 1ms, retry-max-delay: 20ms").Replace(yaml)
}
