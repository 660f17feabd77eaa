//go:build servers

package testservers

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	litestreamabs "github.com/benbjohnson/litestream/abs"
	litestreamsftp "github.com/benbjohnson/litestream/sftp"
	litestreamwebdav "github.com/benbjohnson/litestream/webdav"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/interop/sample"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/verify"
)

// exchange replicates a live database with one client, and restores it over the
// other: first ours and Litestream's own, then the reverse. A moment in time is
// restored over ours, which knows the times of the headers, and over Litestream's
// if exact says that it does.
func exchange(t *testing.T, exact bool, ours, stock func(path string) ltxstore.ReplicaClient) {
	for _, writer := range []string{"ours", "stock"} {
		t.Run("written by "+writer, func(t *testing.T) {
			clients := map[string]ltxstore.ReplicaClient{"ours": ours("by-" + writer), "stock": stock("by-" + writer)}
			defer ltxstore.Close(clients["ours"])
			db := filepath.Join(t.TempDir(), "source.db")
			require.NoError(t, sample.Create(t.Context(), db, sample.Options{Orders: 100}))
			e, err := engine.Open(t.Context(), engine.Config{
				DB: db, Client: clients[writer], Levels: []time.Duration{200 * time.Millisecond, 600 * time.Millisecond},
				SnapshotInterval: time.Second, L0Retention: time.Hour, SyncInterval: 50 * time.Millisecond,
			})
			require.NoError(t, err)
			load, err := sample.Start(t.Context(), db, sample.LoadOptions{Connections: 2})
			require.NoError(t, err)
			var marks []engine.Mark
			record := func() {
				mark, err := e.Mark(t.Context())
				require.NoError(t, err)
				marks = append(marks, mark)
			}
			record()
			require.Eventually(t, func() bool { // until it is compacted
				files, err := ltxstore.FindLTXFiles(t.Context(), clients[writer], 2, false, func(*ltx.FileInfo) (bool, error) { return true, nil })
				return err == nil && len(files) > 0 && files[len(files)-1].MaxTXID >= marks[0].TXID
			}, 30*time.Second, 50*time.Millisecond)
			record()
			require.NoError(t, load.Stop())
			record()
			require.NoError(t, e.Close(t.Context()))

			for reader, client := range clients {
				for i, mark := range marks {
					targets := []engine.Target{{TXID: mark.TXID}}
					if exact || reader == "ours" {
						targets = append(targets, engine.Target{Time: mark.Time})
					}
					for _, target := range targets {
						out := filepath.Join(t.TempDir(), "restored.db")
						require.NoError(t, engine.Restore(t.Context(), client, out, target, nil), "%s, %d", reader, i)
						got, err := dbcheck.ReadFile(t.Context(), out)
						require.NoError(t, err)
						require.NoError(t, mark.Content.Check(got))
					}
				}
				out := filepath.Join(t.TempDir(), "latest.db")
				_, err := restore.Run(t.Context(), client, out, restore.Config{Check: dbcheck.Integrity})
				require.NoError(t, err, reader)
				require.NoError(t, dbcheck.Compare(t.Context(), db, out))
			}
			report, err := verify.Run(t.Context(), clients["ours"], verify.Config{})
			require.NoError(t, err)
			require.True(t, report.OK(), "%v", report.Findings)
		})
	}
}

var litestreams = options{layout: ltxstore.LayoutLitestream}

// stock returns Litestream's own client of the replica at path.
func (s *secure) stock(t *testing.T, path string) ltxstore.ReplicaClient {
	c := litestreamsftp.NewReplicaClient()
	c.Host, c.User, c.Password, c.KeyPath, c.HostKey = s.cfg.Host, s.cfg.User, s.cfg.Password, s.cfg.KeyPath, s.cfg.HostKey
	c.Path = strings.TrimSuffix(s.cfg.Path, "/") + "/" + path
	require.NoError(t, c.Init(t.Context()))
	return c
}

func (s *secure) exchange(t *testing.T) {
	exchange(t, false, func(path string) ltxstore.ReplicaClient { return s.open(path, litestreams) },
		func(path string) ltxstore.ReplicaClient { return s.stock(t, path) })
}

func TestSSHDExchange(t *testing.T)       { startSSHD(t).exchange(t) }
func TestRcloneSFTPExchange(t *testing.T) { startRcloneSFTP(t).exchange(t) }

// stock returns Litestream's own client of the replica at path. It makes the
// collections above its levels, since that client's write fails where another
// makes one of them at the same moment: Apache answers 403 to the second MKCOL.
func (d *dav) stock(t *testing.T, path string) ltxstore.ReplicaClient {
	replica := filepath.Join(d.dir, path)
	require.NoError(t, os.MkdirAll(filepath.Join(replica, "ltx"), 0o755))
	require.NoError(t, d.own(replica, filepath.Join(replica, "ltx")))
	c := litestreamwebdav.NewReplicaClient()
	c.URL, c.Username, c.Password, c.Path = d.url, davUser, davPassword, "/"+path
	require.NoError(t, c.Init(t.Context()))
	return c
}

func (d *dav) exchange(t *testing.T) {
	exchange(t, false, func(path string) ltxstore.ReplicaClient { return d.open(path, litestreams) },
		func(path string) ltxstore.ReplicaClient { return d.stock(t, path) })
}

func TestAzuriteExchange(t *testing.T) {
	endpoint := startAzurite(t)
	createContainer(t, endpoint)
	exchange(t, true,
		func(path string) ltxstore.ReplicaClient {
			return abs.NewReplicaClient(abs.Config{Account: azuriteAccount, AccountKey: azuriteKey, Endpoint: endpoint,
				Bucket: "container", Path: path, Layout: ltxstore.LayoutLitestream, Logger: slog.New(slog.DiscardHandler)})
		},
		func(path string) ltxstore.ReplicaClient {
			c := litestreamabs.NewReplicaClient()
			c.AccountName, c.AccountKey, c.Endpoint, c.Bucket, c.Path = azuriteAccount, azuriteKey, endpoint, "container", path
			require.NoError(t, c.Init(t.Context()))
			return c
		})
}

func TestApacheExchange(t *testing.T) { startApache(t).exchange(t) }
func TestNginxExchange(t *testing.T)  { startNginx(t).exchange(t) }
func TestRcloneExchange(t *testing.T) { startRclone(t).exchange(t) }
