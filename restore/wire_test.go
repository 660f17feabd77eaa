package restore_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/s3"
)

// A wire of which all sizes and rates are a sixty-fourth of 1 GiB at 50 MB/s a connection.
const (
	reduced      = 64
	wireDelay    = 20 * time.Millisecond
	wireRate     = 50_000_000 / reduced // bytes a second of each connection
	wireSnapshot = 1 << 30 / reduced
	wireRange    = 2 * rangeio.DefaultPoolMemory / rangeio.DefaultPoolRequests / reduced
)

// TestWire: how near a restore comes to the default number of connections that never wait for an
// answer, also where small files follow the snapshot. The clock is the test's, so that the
// processor costs nothing: what is left is when requests are sent. There is one for each file and
// range, and for each level.
func TestWire(t *testing.T) {
	runs := race.OneOf(2)
	for _, small := range []int{0, 200} {
		if !runs() {
			continue
		}
		t.Run(fmt.Sprintf("snapshot and %d transactions", small), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := s3fake.New(s3fake.Options{}, "bucket")
				layer := httpfault.New(server)
				web, wire := memnet.Serve(layer)
				defer web.Close()
				client := s3.NewReplicaClient(s3.Config{
					Bucket: "bucket", Path: "db", Endpoint: web.URL, Region: "us-east-1", HTTP: transport.Options{RoundTripper: wire},
					AccessKeyID: "key", SecretAccessKey: "secret", Logger: slog.New(slog.DiscardHandler),
					Transfer: object.Options{ReadMemory: rangeio.DefaultPoolMemory / reduced},
				})
				defer client.Close()
				size := fillWire(t, client, small)
				layer.Reset()
				layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Delay(wireDelay)})
				layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Bandwidth(wireRate)})

				start := time.Now()
				_, err := restore.DryRun(t.Context(), client, restore.Config{})
				require.NoError(t, err)
				took := time.Since(start)
				limit := time.Duration(float64(size) / (wireRate * rangeio.DefaultPoolRequests) * float64(time.Second))
				t.Logf("%v in %d requests: %.2f of the limit, %v", took, layer.Requests(), limit.Seconds()/took.Seconds(), limit)
				assert.GreaterOrEqual(t, limit.Seconds()/took.Seconds(), 0.9) // 0.93 to 1.02 in 120 runs: the order of the goroutines differs
				assert.LessOrEqual(t, layer.Requests(), int64(size/wireRange+small+18))
			})
		})
	}
}

// fillWire writes a snapshot, and so many transactions of one page. It returns the size of all
// files.
func fillWire(t *testing.T, client ltxstore.ReplicaClient, small int) int {
	const pages = wireSnapshot / 4096
	write := func(level int, txid ltx.TXID, first, last uint32) int {
		body := incompressible(t, pages, txid, first, last)
		_, err := client.WriteLTXFile(t.Context(), level, txid, txid, bytes.NewReader(body))
		require.NoError(t, err)
		return len(body)
	}
	size := write(ltxstore.SnapshotLevel, 1, 1, pages)
	for i := range small {
		pgno := uint32(i*17%pages + 1)
		size += write(0, ltx.TXID(i+2), pgno, pgno)
	}
	return size
}

// incompressible returns a transaction of a database of commit pages with the pages from first to
// last, which do not compress.
func incompressible(t *testing.T, commit uint32, txid ltx.TXID, first, last uint32) []byte {
	page := make([]byte, 4096)
	_, _ = rand.NewChaCha8([32]byte{}).Read(page)
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	require.NoError(t, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 4096,
		Commit: commit, MinTXID: txid, MaxTXID: txid, Timestamp: int64(txid)}))
	for pgno := first; pgno <= last; pgno++ {
		require.NoError(t, enc.EncodePage(ltx.PageHeader{Pgno: pgno}, page))
	}
	require.NoError(t, enc.Close())
	return buf.Bytes()
}

// TestFewConnections: neither the large files that are opened ahead nor the ranges of the file that
// is read wait for each other's connections forever.
func TestFewConnections(t *testing.T) {
	for _, conns := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(conns), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := s3fake.New(s3fake.Options{}, "bucket")
				web, rt := memnet.Serve(server)
				rt.MaxConnsPerHost = conns
				defer web.Close()
				client := s3.NewReplicaClient(s3.Config{
					Bucket: "bucket", Path: "db", Endpoint: web.URL, Region: "us-east-1", HTTP: transport.Options{RoundTripper: rt},
					AccessKeyID: "key", SecretAccessKey: "secret", Logger: slog.New(slog.DiscardHandler),
					Transfer: object.Options{ReadMemory: rangeio.DefaultPoolMemory / reduced},
				})
				defer client.Close()
				const pages = 1 << 20 / 4096 // 20 ranges
				for txid := ltx.TXID(1); txid <= 6; txid++ {
					_, err := client.WriteLTXFile(t.Context(), 1, txid, txid, bytes.NewReader(incompressible(t, pages, txid, 1, pages)))
					require.NoError(t, err)
				}

				start := time.Now()
				_, err := restore.DryRun(t.Context(), client, restore.Config{})
				require.NoError(t, err)
				assert.Less(t, time.Since(start), 30*time.Second, "each file waits for another's connection twice at most")
			})
		})
	}
}
