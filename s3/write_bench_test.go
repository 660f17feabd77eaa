package s3

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// bareServer takes anything: what is measured is the client.
func bareServer(t testing.TB) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"x"`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// smallWrites are one write of 4 KiB with the plain call and with the client.
func smallWrites(t testing.TB) (bare, seekable, stream func()) {
	body := ltxBody(t, 4096)
	client, rep := writeClient(t, bareServer(t), func(r *replica) { r.cfg.Transfer.PartSize, r.cfg.Transfer.UploadThreshold = 5<<20, 5<<20 })
	ctx := t.Context()
	bare = func() {
		_, err := rep.api.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String(writeKey),
			Body: bytes.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		require.NoError(t, err)
	}
	write := func(r io.Reader) {
		_, err := client.WriteLTXFile(ctx, 0, 1, 1, r)
		require.NoError(t, err)
	}
	return bare, func() { write(bytes.NewReader(body)) }, func() { write(onlyRead{bytes.NewReader(body)}) }
}

func BenchmarkWrite4KiB(b *testing.B) {
	bare, seekable, stream := smallWrites(b)
	for _, bm := range []struct {
		name string
		run  func()
	}{{"PutObject", bare}, {"seekable", seekable}, {"stream", stream}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bm.run()
			}
		})
	}
}

// A small write allocates at most 8 KiB beyond the plain call. Server and
// client are measured together; the server does the same for both.
func TestSmallWriteAllocations(t *testing.T) {
	bare, seekable, stream := smallWrites(t)
	measure := func(run func()) int64 {
		const runs = 200
		for range 20 {
			run()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			run()
		}
		runtime.ReadMemStats(&after)
		return int64(after.TotalAlloc-before.TotalAlloc) / runs
	}
	base := measure(bare)
	for name, run := range map[string]func(){"seekable": seekable, "stream": stream} {
		extra := measure(run) - base
		t.Logf("%s: %d bytes beyond %d", name, extra, base)
		if !race.Enabled && extra > 8<<10 {
			t.Errorf("%s: %d bytes beyond a bare PutObject's %d: want at most %d", name, extra, base, 8<<10)
		}
	}
}
