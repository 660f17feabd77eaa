package interop_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// The same work by our client and by Litestream's, on the same disk in the
// same run, in the layout that both know.
var contestants = []struct{ name, client string }{{"ours", "litestream"}, {"litestream", "stock"}}

// body returns an LTX file with that many bytes of page data.
func body(txid ltx.TXID, pages int) []byte {
	return replicatest.NewLTXFile(txid, txid, time.UnixMilli(1_700_000_000_000), pages)
}

func BenchmarkWrite4KiB(b *testing.B) {
	file := body(7, 1)
	for _, c := range contestants {
		b.Run(c.name, func(b *testing.B) {
			client := client(b, c.client, b.TempDir())
			b.ReportAllocs()
			for b.Loop() {
				// The same name again and again: the directory does not grow.
				if _, err := client.WriteLTXFile(b.Context(), 0, 7, 7, bytes.NewReader(file)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite1GiB(b *testing.B) {
	const size = 1 << 30
	source := filepath.Join(b.TempDir(), "source.ltx")
	f, err := os.Create(source)
	require.NoError(b, err)
	defer f.Close()
	head := body(7, 1)[:ltx.HeaderSize]
	_, err = f.Write(head)
	require.NoError(b, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{}), size-int64(len(head)))
	require.NoError(b, err)
	require.NoError(b, f.Sync())

	for _, c := range contestants {
		b.Run(c.name, func(b *testing.B) {
			client := client(b, c.client, b.TempDir())
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Seek(0, io.SeekStart); err != nil {
					b.Fatal(err)
				}
				info, err := client.WriteLTXFile(b.Context(), 0, 7, 7, f)
				if err != nil {
					b.Fatal(err)
				}
				if info.Size != size {
					b.Fatalf("wrote %d bytes", info.Size)
				}
			}
		})
	}
}

func BenchmarkList100k(b *testing.B) {
	const files = 100_000
	dir := b.TempDir()
	level := filepath.Join(dir, "ltx", "0")
	require.NoError(b, os.MkdirAll(level, 0o755))
	// Enough of a file for a listing: with useMetadata the header is read.
	for i := range ltx.TXID(files) {
		txid := i + 1
		hdr := ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 4096, Commit: 1, MinTXID: txid, MaxTXID: txid, Timestamp: 1_700_000_000_000}
		raw, err := hdr.MarshalBinary()
		require.NoError(b, err)
		require.NoError(b, os.WriteFile(filepath.Join(level, ltx.FormatFilename(txid, txid)), raw, 0o644))
	}

	for _, work := range []struct {
		name        string
		seek        ltx.TXID
		want        int
		useMetadata bool
	}{
		{"whole", 0, files, false},
		{"whole with metadata", 0, files, true},
		{"first item", 0, 1, false},
		{"late seek", files - 9, 10, false},
	} {
		for _, c := range contestants {
			b.Run(fmt.Sprintf("%s/%s", work.name, c.name), func(b *testing.B) {
				client := client(b, c.client, dir)
				b.ReportAllocs()
				for b.Loop() {
					n, err := countFiles(b, client, work.seek, work.want, work.useMetadata)
					if err != nil {
						b.Fatal(err)
					}
					if n != work.want {
						b.Fatalf("listed %d files: want %d", n, work.want)
					}
				}
			})
		}
	}
}

// countFiles lists until it has most files.
func countFiles(b *testing.B, client ltxstore.ReplicaClient, seek ltx.TXID, most int, useMetadata bool) (n int, err error) {
	files, err := client.LTXFiles(b.Context(), 0, seek, useMetadata)
	if err != nil {
		return 0, err
	}
	for n < most && files.Next() {
		if files.Item().Size > 0 {
			n++
		}
	}
	return n, files.Close()
}
