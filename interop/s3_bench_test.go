package interop_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	ltxstores3 "github.com/ltxstore/ltxstore/s3"
)

// Our client, Litestream's and the plain calls of the SDK, on the same server.

// turn is one way to do the work of a benchmark.
type turn struct {
	name string
	do   func() error
}

// takeTurns does the same work in each way, one after the other in each
// round, because a server is not as fast now as it was a second ago. It
// reports the median time of each, and what an operation allocates.
func takeTurns(b *testing.B, turns ...turn) {
	times := make([][]time.Duration, len(turns))
	bytes := make([]uint64, len(turns))
	for _, turn := range turns { // connections
		require.NoError(b, turn.do())
	}
	for b.Loop() {
		for i, turn := range turns {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			if err := turn.do(); err != nil {
				b.Fatal(turn.name, err)
			}
			times[i] = append(times[i], time.Since(start))
			runtime.ReadMemStats(&after)
			bytes[i] += after.TotalAlloc - before.TotalAlloc
		}
	}
	for i, turn := range turns {
		slices.Sort(times[i])
		b.ReportMetric(float64(times[i][len(times[i])/2].Microseconds()), turn.name+"-µs")
		b.ReportMetric(float64(bytes[i])/float64(b.N), turn.name+"-B")
	}
	b.ReportMetric(0, "ns/op") // of all turns together: it says nothing
}

// contest is a server with a replica on it, and who works there.
type contest struct {
	*space
	api         *s3.Client
	ours, stock ltxstore.ReplicaClient
	keys        ltxstore.Keys
}

// eachContest runs a benchmark on each server over http, with n files in level 0.
func eachContest(b *testing.B, n int, bench func(b *testing.B, c *contest)) {
	for _, real := range realServers {
		if real.tls {
			continue
		}
		b.Run(real.name, func(b *testing.B) {
			const path = "bench/db"
			server := real.start(b, false)
			s := &space{server: server, bucket: server.NewBucket(b), layout: ltxstore.LayoutLitestreamS3}
			keys, err := ltxstore.NewKeys(s.layout, path)
			require.NoError(b, err)
			cfg := s.config(path)
			cfg.Concurrency = 5 // as Litestream's
			ours := ltxstores3.NewReplicaClient(cfg)
			b.Cleanup(func() { require.NoError(b, ours.Close()) })
			writeMany(b, ours, n)
			bench(b, &contest{space: s, api: server.API(), ours: ours, stock: s.named(b, "stock", path), keys: keys})
		})
	}
}

// writer returns a turn that writes the body that open returns.
func (c *contest) writer(b *testing.B, name string, client ltxstore.ReplicaClient, open func() io.Reader) turn {
	return turn{name, func() error {
		_, err := client.WriteLTXFile(b.Context(), 1, 1, 1, open())
		return err
	}}
}

func BenchmarkS3Write4KiB(b *testing.B) {
	file := body(1, 1)
	open := func() io.Reader { return bytes.NewReader(file) }
	eachContest(b, 0, func(b *testing.B, c *contest) {
		key := c.keys.File(1, 2, 2)
		// What a server does with metadata takes time of its own.
		metadata := map[string]string{"litestream-timestamp": "2023-11-14T22:13:20Z", "min-txid": "2", "max-txid": "2", "level": "1"}
		bare := turn{"PutObject", func() error {
			_, err := c.api.PutObject(b.Context(), &s3.PutObjectInput{Bucket: &c.bucket.Name, Key: &key, Body: bytes.NewReader(file), Metadata: metadata})
			return err
		}}
		takeTurns(b, bare, c.writer(b, "ours", c.ours, open), c.writer(b, "litestream", c.stock, open))
	})
}

func BenchmarkS3Write1GiB(b *testing.B) {
	const size = 1 << 30
	source := filepath.Join(b.TempDir(), "source.ltx")
	require.NoError(b, os.WriteFile(source, body(1, 1)[:ltx.HeaderSize], 0o600))
	require.NoError(b, os.Truncate(source, size))
	f, err := os.Open(source)
	require.NoError(b, err)
	defer f.Close()
	whole := func() io.Reader {
		_, err := f.Seek(0, io.SeekStart)
		require.NoError(b, err)
		return f
	}
	stream := func() io.Reader { return struct{ io.Reader }{whole()} }
	eachContest(b, 0, func(b *testing.B, c *contest) {
		takeTurns(b, c.writer(b, "ours", c.ours, whole), c.writer(b, "ours-stream", c.ours, stream), c.writer(b, "litestream-stream", c.stock, stream))
	})
}

func BenchmarkS3Read4KiB(b *testing.B) {
	const offset, size = 4 << 20, 4 << 10
	eachContest(b, 0, func(b *testing.B, c *contest) {
		_, err := c.ours.WriteLTXFile(b.Context(), 0, 1, 1, bytes.NewReader(sized(1, 8<<20)))
		require.NoError(b, err)
		read := func(open func() (io.ReadCloser, error)) func() error {
			return func() error {
				body, err := open()
				if err != nil {
					return err
				}
				defer body.Close()
				if n, err := io.Copy(io.Discard, body); err != nil || n != size {
					return fmt.Errorf("%d bytes: %w", n, err)
				}
				return nil
			}
		}
		of := func(client ltxstore.ReplicaClient) func() error {
			return read(func() (io.ReadCloser, error) { return client.OpenLTXFile(b.Context(), 0, 1, 1, offset, size) })
		}
		key := c.keys.File(0, 1, 1)
		takeTurns(b,
			turn{"GetObject", read(func() (io.ReadCloser, error) {
				out, err := c.api.GetObject(b.Context(), &s3.GetObjectInput{Bucket: &c.bucket.Name, Key: &key,
					Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+size-1))})
				if err != nil {
					return nil, err
				}
				return out.Body, nil
			})},
			turn{"ours", of(c.ours)}, turn{"litestream", of(c.stock)})
	})
}

func BenchmarkS3List10k(b *testing.B) {
	const n = 10_000
	eachContest(b, n, func(b *testing.B, c *contest) {
		for _, work := range []struct {
			name  string
			seek  ltx.TXID
			files int
		}{{"whole", 0, n}, {"last 10", n - 9, 10}} {
			b.Run(work.name, func(b *testing.B) {
				bare := turn{"ListObjectsV2", func() error {
					in := &s3.ListObjectsV2Input{Bucket: &c.bucket.Name, Prefix: aws.String(c.keys.LevelPrefix(0))}
					if work.seek > 0 {
						in.StartAfter = aws.String(c.keys.Seek(0, work.seek))
					}
					found := 0
					for pages := s3.NewListObjectsV2Paginator(c.api, in); pages.HasMorePages(); {
						page, err := pages.NextPage(b.Context())
						if err != nil {
							return err
						}
						found += len(page.Contents)
					}
					return count(found, work.files, nil)
				}}
				takeTurns(b, bare, c.lister(b, "ours", c.ours, work.seek, work.files, false), c.lister(b, "litestream", c.stock, work.seek, work.files, false))
			})
		}
	})
}

func (c *contest) lister(b *testing.B, name string, client ltxstore.ReplicaClient, seek ltx.TXID, want int, useMetadata bool) turn {
	return turn{name, func() error {
		found, err := countFiles(b, client, seek, want, useMetadata)
		return count(found, want, err)
	}}
}

func count(found, want int, err error) error {
	if err == nil && found != want {
		err = fmt.Errorf("listed %d files: want %d", found, want)
	}
	return err
}

// BenchmarkS3ListTimes2k is what a restore to a moment asks for, of a service
// that is 20 ms away.
func BenchmarkS3ListTimes2k(b *testing.B) {
	const n = 2000
	eachContest(b, n, func(b *testing.B, c *contest) {
		target, err := url.Parse(c.server.Endpoint)
		require.NoError(b, err)
		next := &httputil.ReverseProxy{
			// The Host is in the signature.
			Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
			Transport: c.server.Transport(),
		}
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(20 * time.Millisecond):
				next.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		}))
		defer far.Close()
		server := *c.server
		server.Endpoint = far.URL
		s := &space{server: &server, bucket: c.bucket, layout: c.layout}
		takeTurns(b, c.lister(b, "ours", s.client(b, "bench/db"), 0, n, true), c.lister(b, "litestream", s.named(b, "stock", "bench/db"), 0, n, true))
	})
}
