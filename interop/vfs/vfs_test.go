//go:build vfs

// Package vfs_test has SQLite read through Litestream's VFS, which needs cgo and the
// tag vfs.
package vfs_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	engine "github.com/benbjohnson/litestream"
	_ "github.com/mattn/go-sqlite3"
	"github.com/psanford/sqlite3vfs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/s3"
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// SQLite opens a replica by its URL, with this library's clients, and sees what is
// written to the database later.
func TestVFS(t *testing.T) {
	layer := httpfault.New(s3fake.New(s3fake.Options{}, "bucket"))
	server := httptest.NewServer(layer)
	t.Cleanup(server.Close)
	require.NoError(t, sqlite3vfs.RegisterVFS("replica", engine.NewVFS(nil, silent())))
	for name, tc := range map[string]struct {
		url  string
		ours func(c ltxstore.ReplicaClient) bool
	}{
		"file": {"file://" + t.TempDir(), is[*file.ReplicaClient]},
		"s3": {"s3://bucket/app?region=us-east-1&access-key-id=id&secret-access-key=secret&endpoint=" + server.URL,
			is[*s3.ReplicaClient]},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := engine.NewReplicaClientFromURL(tc.url)
			require.NoError(t, err)
			require.True(t, tc.ours(client))
			path := filepath.Join(t.TempDir(), "app.db")
			app, err := sql.Open("sqlite3", path)
			require.NoError(t, err)
			defer app.Close()
			_, err = app.Exec(`PRAGMA journal_mode = wal; CREATE TABLE t (x)`)
			require.NoError(t, err)
			db := engine.NewDB(path)
			db.Replica = litestream.Replica(db, client)
			db.MonitorInterval, db.Replica.MonitorEnabled = 0, false
			db.SetLogger(silent())
			require.NoError(t, db.Open())
			defer func() { assert.NoError(t, db.Close(context.WithoutCancel(t.Context()))) }()
			insert := func() {
				_, err := app.Exec(`INSERT INTO t VALUES (randomblob(9000))`)
				require.NoError(t, err)
				require.NoError(t, db.SyncAndWait(t.Context()))
			}
			insert()

			read, err := sql.Open("sqlite3", fmt.Sprintf("file:%s?vfs=replica&poll_interval=5ms&replica_url=%s",
				filepath.Join(t.TempDir(), "never-made.db"), url.QueryEscape(tc.url)))
			require.NoError(t, err)
			defer read.Close()
			for n := 1; n <= 3; n++ {
				require.Eventually(t, func() bool {
					var rows, bytes int
					err := read.QueryRow(`SELECT count(*), coalesce(sum(length(x)), 0) FROM t`).Scan(&rows, &bytes)
					return assert.NoError(t, err) && rows == n && bytes == 9000*n
				}, 30*time.Second, 5*time.Millisecond, "%d rows", n)
				insert()
			}
		})
	}
	assert.Positive(t, layer.Requests())
}

func is[C ltxstore.ReplicaClient](c ltxstore.ReplicaClient) bool {
	_, ok := ltxstore.As[C](c)
	return ok
}
