package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// sink takes every upload and keeps nothing, so that what is measured is the
// client.
func sink(b *testing.B) s3.Config {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"x"`)
		switch {
		case r.URL.Query().Has("uploads"):
			_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
		case r.Method == http.MethodPost:
			_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")
		}
	}))
	b.Cleanup(server.Close)
	return s3.Config{Bucket: fakeBucket, Region: "us-east-1", Endpoint: server.URL, AccessKeyID: fakeID, SecretAccessKey: fakeSecret,
		Logger: slog.New(slog.DiscardHandler)}
}

// zeros are the bytes of a stream of unknown length.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// onlyReader hides every method but Read.
type onlyReader struct{ io.Reader }

// measure runs op, and reports by how much the heap grows in one of them at
// the most, garbage included.
func measure(b *testing.B, op func()) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	var peak uint64
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		base := heap()
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					peak = max(peak, max(heap(), base)-base)
				case <-stop:
					return
				}
			}
		}()
		b.StartTimer()
		op()
		close(stop)
		<-stopped
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

// BenchmarkWrite1GiB is an upload of 205 parts, from a file and from a stream
// of unknown length. Five parts of 5 MiB are 25 MiB of heap.
func BenchmarkWrite1GiB(b *testing.B) {
	const size = 1 << 30
	path := filepath.Join(b.TempDir(), "body")
	require.NoError(b, os.WriteFile(path, nil, 0o600))
	require.NoError(b, os.Truncate(path, size))
	file, err := os.Open(path)
	require.NoError(b, err)
	defer file.Close()
	for _, bm := range []struct {
		name string
		open func() io.Reader
	}{
		{"seekable", func() io.Reader {
			_, err := file.Seek(0, io.SeekStart)
			require.NoError(b, err)
			return file
		}},
		{"stream", func() io.Reader { return onlyReader{io.LimitReader(zeros{}, size)} }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			client := s3.NewReplicaClient(sink(b))
			defer client.Close()
			require.NoError(b, client.Init(b.Context()))
			b.SetBytes(size)
			b.ReportAllocs()
			measure(b, func() {
				_, err := client.WriteLTXFile(b.Context(), 0, 1, 1, bm.open())
				require.NoError(b, err)
			})
		})
	}
}

// filled is a fake with n small files in level 0, and a client of it.
func filled(b *testing.B, n int) (*fake, *s3.ReplicaClient) {
	f, err := newFake(s3.Config{}, s3fake.Options{PageSize: 1000}, false)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, f.close()) })
	client := f.client(func(*s3.Config) {})
	b.Cleanup(func() { require.NoError(b, client.Close()) })
	at := time.UnixMilli(1_700_000_000_000)
	for i := range ltx.TXID(n) {
		id := i + 1
		_, err := client.WriteLTXFile(b.Context(), 0, id, id, bytes.NewReader(replicatest.NewLTXFile(id, id, at, 1)))
		require.NoError(b, err)
	}
	require.NoError(b, client.Init(b.Context()))
	return f, client
}

// list lists level 0 from seek on, and returns how many files there are.
func list(b *testing.B, client *s3.ReplicaClient, seek ltx.TXID, useMetadata bool) (n int) {
	files, err := client.LTXFiles(b.Context(), 0, seek, useMetadata)
	require.NoError(b, err)
	for files.Next() {
		if !files.Item().CreatedAt.IsZero() {
			n++
		}
	}
	require.NoError(b, files.Close())
	return n
}

func BenchmarkList10k(b *testing.B) {
	const n = 10_000
	f, client := filled(b, n)
	for _, bm := range []struct {
		name  string
		seek  ltx.TXID
		files int
	}{{"whole", 0, n}, {"last 10", n - 9, 10}} {
		b.Run(bm.name, func(b *testing.B) {
			f.layer.Reset()
			b.ReportAllocs()
			for b.Loop() {
				if got := list(b, client, bm.seek, false); got != bm.files {
					b.Fatalf("listed %d files: want %d", got, bm.files)
				}
			}
			b.ReportMetric(float64(f.layer.Requests())/float64(b.N), "requests/op")
		})
	}
}

// BenchmarkListTimes is what a restore to a moment asks for: the time of every
// file, of a service that is 20 ms away.
func BenchmarkListTimes(b *testing.B) {
	const n = 2000
	f, client := filled(b, n)
	f.layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Delay(20 * time.Millisecond)})
	f.layer.Reset()
	for b.Loop() {
		if got := list(b, client, 0, true); got != n {
			b.Fatalf("listed %d files: want %d", got, n)
		}
	}
	b.ReportMetric(float64(f.layer.Requests())/float64(b.N), "requests/op")
}

// BenchmarkReadRange is a page of a database out of a large file.
func BenchmarkReadRange(b *testing.B) {
	f, client := filled(b, 0)
	f.Put(fakeBucket, fakePath+"/"+f.keys.File(0, 1, 1), make([]byte, 64<<20))
	for _, size := range []int64{4 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%d KiB", size>>10), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				readAll(b, client, 0, 32<<20, size, size)
			}
		})
	}
}

// BenchmarkRestore reads a large file of a service that gives each connection
// 50 MB/s.
func BenchmarkRestore(b *testing.B) {
	const size = 256 << 20
	f, _ := filled(b, 0)
	f.Put(fakeBucket, fakePath+"/"+f.keys.File(9, 1, 1), bytes.Repeat([]byte("restored"), size/8))
	f.layer.Add(&httpfault.Rule{Times: -1, Do: httpfault.Bandwidth(50e6)})
	for _, concurrency := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d at once", concurrency), func(b *testing.B) {
			client := f.client(func(cfg *s3.Config) { cfg.Transfer.ReadConcurrency = concurrency })
			defer client.Close()
			b.SetBytes(size)
			measure(b, func() { readAll(b, client, 9, 0, 0, size) })
		})
	}
}

func readAll(b *testing.B, client *s3.ReplicaClient, level int, offset, size, want int64) {
	body, err := client.OpenLTXFile(b.Context(), level, 1, 1, offset, size)
	require.NoError(b, err)
	n, err := io.Copy(io.Discard, body)
	require.NoError(b, err)
	require.Equal(b, want, n)
	require.NoError(b, body.Close())
}
