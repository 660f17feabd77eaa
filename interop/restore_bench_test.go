package interop_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/restore"
)

// BenchmarkRestore restores a database of 256 MiB from a snapshot, some
// compactions that each changed a quarter of it, and many small transactions:
// with our package, and with Litestream's engine, over the same files.
func BenchmarkRestore(b *testing.B) {
	const pageSize, pages = 4096, 1 << 16
	dir := b.TempDir()
	writer := client(b, "litestream", dir)
	random := rand.New(rand.NewPCG(1, 1))
	data := make([]byte, pageSize)
	write := func(level int, minTXID, maxTXID ltx.TXID, every int) {
		var buf bytes.Buffer
		enc, err := ltx.NewEncoder(&buf)
		require.NoError(b, err)
		require.NoError(b, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: pageSize,
			Commit: pages, MinTXID: minTXID, MaxTXID: maxTXID, Timestamp: time.UnixMilli(int64(maxTXID)).UnixMilli()}))
		for pgno := 1; pgno <= pages; pgno += every {
			for i := range pageSize / 2 { // half of a page does not compress
				data[i] = byte(random.Uint32())
			}
			require.NoError(b, enc.EncodePage(ltx.PageHeader{Pgno: uint32(pgno)}, data))
		}
		require.NoError(b, enc.Close())
		_, err = writer.WriteLTXFile(b.Context(), level, minTXID, maxTXID, &buf)
		require.NoError(b, err)
	}
	write(ltxstore.SnapshotLevel, 1, 100, 1)
	for txid := ltx.TXID(101); txid < 900; txid += 100 {
		write(3, txid, txid+99, 4)
	}
	for txid := ltx.TXID(901); txid < 1100; txid++ {
		write(0, txid, txid, pages/8)
	}

	path := filepath.Join(b.TempDir(), "db")
	run := func(name, with string, once func(ltxstore.ReplicaClient) error) {
		b.Run(name, func(b *testing.B) {
			c := client(b, with, dir)
			b.SetBytes(pageSize * pages)
			b.ReportAllocs()
			for b.Loop() {
				if err := once(c); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				require.NoError(b, os.Remove(path))
				b.StartTimer()
			}
		})
	}
	run("ours", "litestream", func(c ltxstore.ReplicaClient) error {
		_, err := restore.Run(b.Context(), c, path, restore.Config{})
		return err
	})
	run("litestream", "stock", func(c ltxstore.ReplicaClient) error {
		return engine.Restore(b.Context(), c, path, engine.Target{}, nil)
	})
}
