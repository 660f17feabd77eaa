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

// smallWrites are one write of 4 KiB with a client of the SDK as it is, with ours and with the client.
func smallWrites(t testing.TB) (plain, bare, seekable, stream func()) {
	body := ltxBody(t, 4096)
	client, rep := writeClient(t, bareServer(t), func(r *replica) { r.cfg.Transfer.PartSize, r.cfg.Transfer.UploadThreshold = 5<<20, 5<<20 })
	ctx := t.Context()
	options := rep.api.Options()
	options.APIOptions = nil
	put := func(api *s3.Client) {
		_, err := api.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String(writeKey),
			Body: bytes.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		require.NoError(t, err)
	}
	sdk := s3.New(options)
	write := func(r io.Reader) {
		_, err := client.WriteLTXFile(ctx, 0, 1, 1, r)
		require.NoError(t, err)
	}
	return func() { put(sdk) }, func() { put(rep.api) }, func() { write(bytes.NewReader(body)) }, func() { write(onlyRead{bytes.NewReader(body)}) }
}

func BenchmarkWrite4KiB(b *testing.B) {
	plain, bare, seekable, stream := smallWrites(b)
	for _, bm := range []struct {
		name string
		run  func()
	}{{"SDK", plain}, {"PutObject", bare}, {"seekable", seekable}, {"stream", stream}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bm.run()
			}
		})
	}
}

// A small write makes at most 80 allocations of 8 KiB beyond the plain call. Server and
// client are measured together; the server does the same for both.
func TestSmallWriteAllocations(t *testing.T) {
	plain, bare, seekable, stream := smallWrites(t)
	measure := func(run func()) (bytes, objects int64) {
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
		return int64(after.TotalAlloc-before.TotalAlloc) / runs, int64(after.Mallocs-before.Mallocs) / runs
	}
	base, baseObjects := measure(bare)
	sdk, sdkObjects := measure(plain)
	saved := sdk - base
	t.Logf("%d bytes less than the SDK's as it is", saved)
	if !race.Enabled && saved < 2<<10 {
		t.Errorf("PutObject allocates %d bytes less than with the SDK as it is: want 2 KiB", saved)
	}
	if !race.Enabled && baseObjects > sdkObjects-10 {
		t.Errorf("PutObject makes %d allocations, with the SDK as it is %d: want 10 less", baseObjects, sdkObjects)
	}
	for name, run := range map[string]func(){"seekable": seekable, "stream": stream} {
		bytes, objects := measure(run)
		extra, extraObjects := bytes-base, objects-baseObjects
		t.Logf("%s: %d bytes beyond %d, and %d allocations beyond %d", name, extra, base, extraObjects, baseObjects)
		if !race.Enabled && (extra > 8<<10 || extraObjects > 80) {
			t.Errorf("%s: %d bytes in %d allocations beyond a bare PutObject's: want at most %d in 80", name, extra, extraObjects, 8<<10)
		}
	}
}
