package gcs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// accepts answers every upload as the service would, and costs as little as a
// service in this process can.
type accepts struct{ body string }

func newAccepts(content []byte) *accepts {
	crc := crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))
	return &accepts{fmt.Sprintf(`{"kind":"storage#object","name":"%s","size":"%d","crc32c":"%s"}`, testKey, len(content), base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc)))}
}

func (a *accepts) RoundTrip(req *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, req.Body)
	req.Body.Close()
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: req}, nil
}

// bare is the library's own write in one request, with its checksum.
func bare(t testing.TB, rt http.RoundTripper) func(ctx context.Context, body []byte) error {
	client, err := storage.NewClient(context.Background(), option.WithHTTPClient(&http.Client{Transport: rt}), option.WithoutAuthentication())
	require.NoError(t, err)
	return func(ctx context.Context, body []byte) error {
		w := client.Bucket("bucket").Object(testKey).NewWriter(ctx)
		w.ChunkSize = 0
		w.ContentType = "application/octet-stream"
		w.CRC32C, w.SendCRC32C = crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)), true
		if _, err := w.Write(body); err != nil {
			return err
		}
		return w.Close()
	}
}

func smallWriter(rt http.RoundTripper) func(ctx context.Context, body []byte) error {
	c := NewReplicaClient(Config{Bucket: "bucket", Path: "db", HTTP: transport.Options{RoundTripper: rt}, Anonymous: true})
	c.SetLogger(nil)
	return func(ctx context.Context, body []byte) error {
		_, err := c.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader(body))
		return err
	}
}

// allocated returns the bytes that a call allocates, on average.
func allocated(t testing.TB, calls int, do func() error) int64 {
	t.Helper()
	require.NoError(t, do())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range calls {
		require.NoError(t, do())
	}
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc-before.TotalAlloc) / int64(calls)
}

// A small write allocates little beyond what the library itself does: no chunk
// buffer of 256 KiB, let alone of 16 MiB.
func TestSmallWriteAllocates(t *testing.T) {
	body := ltxBody(t, 210)
	library, ours := bare(t, newAccepts(body)), smallWriter(newAccepts(body))
	least := allocated(t, 50, func() error { return library(t.Context(), body) })
	got := allocated(t, 50, func() error { return ours(t.Context(), body) })
	t.Logf("%d bytes, the library alone %d", got, least)
	require.Less(t, got-least, int64(64<<10))
}

func BenchmarkWrite210(b *testing.B) {
	body := ltxBody(b, 210)
	for name, write := range map[string]func(context.Context, []byte) error{
		"ours": smallWriter(newAccepts(body)), "library": bare(b, newAccepts(body)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(b.Context(), body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStream writes 1 GiB of unknown length. What is allocated is mostly
// the server's, which holds it.
func BenchmarkStream(b *testing.B) {
	const size = 1 << 30
	server := newBench(b, gcsfake.Options{Omit: []string{"md5Hash"}}, func(cfg *Config) { cfg.Transfer.PartSize = 0 })
	b.SetBytes(size)
	for b.Loop() {
		if _, err := server.WriteLTXFile(b.Context(), 0, 1, 1, io.LimitReader(zeros{}, size)); err != nil {
			b.Fatal(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// BenchmarkDeleteAll deletes 2,000 files of a service 20 ms away, as
// configured and one at a time.
func BenchmarkDeleteAll(b *testing.B) {
	for _, concurrency := range []int{0, 1} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			server := newBench(b, gcsfake.Options{}, func(cfg *Config) { cfg.Transfer.DeleteConcurrency = concurrency })
			server.faults.Add(&httpfault.Rule{Times: -1, Do: httpfault.Delay(20 * time.Millisecond)})
			for b.Loop() {
				b.StopTimer()
				for i := range 2000 {
					server.server.Put("bucket", keyOf(i+1), []byte("x"))
				}
				b.StartTimer()
				if err := server.DeleteAll(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestListAllocates: of a page, a listing makes little beyond what the library makes of the same
// answer: the object and its file, and no second reading of the names.
func TestListAllocates(t *testing.T) {
	const files = 1000
	var items []string
	for i := range files {
		items = append(items, fmt.Sprintf(`{"name":"%s","size":"100","timeCreated":"2026-01-02T03:04:05Z","metadata":{"litestream-timestamp":"2026-01-02T03:04:05Z"}}`, keyOf(i+1)))
	}
	page := `{"kind":"storage#objects","items":[` + strings.Join(items, ",") + `]}`
	answer := roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(page)), Request: req}, nil
	})
	sdk, err := storage.NewClient(t.Context(), option.WithHTTPClient(&http.Client{Transport: answer}), option.WithoutAuthentication())
	require.NoError(t, err)
	library := testing.AllocsPerRun(10, func() {
		it, n := sdk.Bucket("bucket").Objects(t.Context(), &storage.Query{Projection: storage.ProjectionNoACL}), 0
		for ; ; n++ {
			if _, err := it.Next(); err != nil {
				require.Equal(t, iterator.Done, err)
				break
			}
		}
		require.Equal(t, files, n)
	})
	client := NewReplicaClient(Config{Bucket: "bucket", Path: "db", HTTP: transport.Options{RoundTripper: answer}, Anonymous: true})
	ours := testing.AllocsPerRun(10, func() {
		it, err := client.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		n := 0
		for ; it.Next(); n++ {
		}
		require.NoError(t, it.Close())
		require.Equal(t, files, n)
	})
	t.Logf("%.2f allocations a file, the library alone %.2f", ours/files, library/files)
	require.Less(t, (ours-library)/files, 1.0)
}

// BenchmarkList lists 10,000 files whole, with the headers' times, and from
// ten before the end.
func BenchmarkList(b *testing.B) {
	server := newBench(b, gcsfake.Options{}, nil)
	for i := range 10_000 {
		server.server.Put("bucket", keyOf(i+1), []byte("x"))
	}
	for name, seek := range map[string]int{"whole": 0, "late seek": 9_991} {
		b.Run(name, func(b *testing.B) {
			server.faults.Reset()
			for b.Loop() {
				it, err := server.LTXFiles(b.Context(), 0, ltx.TXID(seek), false)
				if err != nil {
					b.Fatal(err)
				}
				for it.Next() {
				}
				if err := it.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(server.faults.Requests())/float64(b.N), "requests/op")
		})
	}
}

// BenchmarkRead reads 256 MiB at 50 MB/s for each connection, one and eight
// ranges at a time.
func BenchmarkRead(b *testing.B) {
	const size = 256 << 20
	for _, concurrency := range []int{1, 8} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			server := newBench(b, gcsfake.Options{Omit: []string{"md5Hash"}}, func(cfg *Config) { cfg.Transfer.ReadConcurrency, cfg.Transfer.PartSize = concurrency, 0 })
			server.server.Put("bucket", testKey, bytes.Repeat([]byte("x"), size))
			server.faults.Add(&httpfault.Rule{Times: -1, Do: httpfault.Bandwidth(50_000_000)})
			b.SetBytes(size)
			for b.Loop() {
				r, err := server.OpenLTXFile(b.Context(), 0, 1, 1, 0, 0)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					b.Fatal(err)
				}
				r.Close()
			}
		})
	}
}
