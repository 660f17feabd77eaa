package litestream_test

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	engine "github.com/benbjohnson/litestream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/litestream"
)

// The engine's follow mode, with the client that Litestream makes of a URL, keeps a
// restored database up to date, also over compactions.
func TestFollow(t *testing.T) {
	server := httptest.NewServer(s3fake.New(s3fake.Options{}, "bucket"))
	t.Cleanup(server.Close)
	for name, url := range map[string]string{
		"file": "file://" + t.TempDir(),
		"s3":   "s3://bucket/app?region=us-east-1&access-key-id=id&secret-access-key=secret&endpoint=" + server.URL,
	} {
		t.Run(name, func(t *testing.T) {
			app, path := database(t)
			db := engine.NewDB(path)
			db.Replica = litestream.Replica(db, openURL(t, url))
			db.MonitorInterval, db.Replica.MonitorEnabled = 0, false
			db.SetLogger(silent())
			require.NoError(t, db.Open())
			defer func() { assert.NoError(t, db.Close(context.WithoutCancel(t.Context()))) }()
			insert := func() {
				_, err := app.Exec(`INSERT INTO t VALUES (randomblob(5000))`)
				require.NoError(t, err)
				require.NoError(t, db.SyncAndWait(t.Context()))
			}
			insert()

			client := openURL(t, url)
			opts := engine.NewRestoreOptions()
			opts.OutputPath, opts.Follow, opts.FollowInterval = filepath.Join(t.TempDir(), "followed.db"), true, time.Millisecond
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			follower := engine.NewReplicaWithClient(nil, client)
			go func() { ended <- follower.Restore(ctx, opts) }()
			followed := func(n int) {
				t.Helper()
				require.Eventually(t, func() bool {
					txid, err := engine.ReadTXIDFile(opts.OutputPath)
					pos, _ := db.Pos()
					return err == nil && txid == pos.TXID
				}, 30*time.Second, 5*time.Millisecond)
				assert.Equal(t, n, rowsIn(t, opts.OutputPath))
			}
			followed(1)
			for n := 2; n <= 4; n++ {
				insert()
				followed(n)
			}
			insert()
			_, err := db.Compact(t.Context(), 1)
			require.NoError(t, err)
			insert()
			followed(6)
			stop()
			require.NoError(t, <-ended)
		})
	}
}
