package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

const (
	writeKey  = "db/ltx/0000/0000000000000001-0000000000000001.ltx"
	writePart = 64 << 10 // PartSize of most tests
)

// writeBench is a server, and a client of it whose limits are small.
type writeBench struct {
	*ReplicaClient
	rep    *replica
	server *s3fake.Server
	faults *httpfault.Layer
}

// newWriteBench makes the replica itself, so that sizes can be used that a
// real service would refuse.
func newWriteBench(t testing.TB, opt s3fake.Options, change func(*replica)) *writeBench {
	t.Helper()
	if opt.MinPart == 0 {
		opt.MinPart = 1
	}
	w := &writeBench{server: s3fake.New(opt, "bucket")}
	w.faults = httpfault.New(w.server)
	w.faults.Name(s3fake.Operation)
	http := httptest.NewServer(w.faults)
	t.Cleanup(http.Close)
	t.Cleanup(w.faults.Clear)
	w.ReplicaClient, w.rep = writeClient(t, http.URL, change)
	return w
}

func writeClient(t testing.TB, url string, change func(*replica)) (*ReplicaClient, *replica) {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	rep := &replica{
		cfg: Config{Bucket: "bucket", Path: "db", Transfer: object.Options{PartSize: writePart, UploadThreshold: writePart, Concurrency: 3}, ChecksumAlgorithm: "crc32",
			Retry: ltxstore.Retry{MaxAttempts: 4, BaseDelay: 1}},
		api: s3.New(s3.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(url), UsePathStyle: true,
			HTTPClient:                 &http.Client{Transport: transport},
			Credentials:                credentials.NewStaticCredentialsProvider("AK", "SK", ""),
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
			APIOptions:                 []func(*middleware.Stack) error{refuseForeign, skipEmpty, readETag},
			Retryer:                    aws.NopRetryer{},
		}),
	}
	if change != nil {
		change(rep)
	}
	return rep.client(t), rep
}

func (w *writeBench) write(t *testing.T, r io.Reader) (*ltx.FileInfo, error) {
	t.Helper()
	return w.WriteLTXFile(t.Context(), 0, 1, 1, r)
}

// holds asserts that the object is body, and that nothing else is there.
func (w *writeBench) holds(t *testing.T, body []byte) {
	t.Helper()
	o, ok := w.server.Get("bucket", writeKey)
	if assert.True(t, ok, "stored") {
		assert.True(t, bytes.Equal(body, o.Body), "%d bytes stored, want %d", len(o.Body), len(body))
	}
	w.clean(t)
}

// clean asserts that no upload is left.
func (w *writeBench) clean(t *testing.T) {
	t.Helper()
	assert.Empty(t, w.server.Uploads("bucket"))
}

// nothing asserts that the store is as it was at the beginning.
func (w *writeBench) nothing(t *testing.T) {
	t.Helper()
	assert.Empty(t, w.server.Keys("bucket"))
	w.clean(t)
}

var writeTime = time.Date(2024, 5, 6, 7, 8, 9, 123e6, time.UTC)

// ltxBody begins with a valid header and has size bytes.
func ltxBody(t testing.TB, size int) []byte {
	t.Helper()
	hdr := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: 1, MaxTXID: 1,
		Timestamp: writeTime.UnixMilli(), Flags: ltx.HeaderFlagNoChecksum}
	b, err := hdr.MarshalBinary()
	require.NoError(t, err)
	return append(b, plainBody(size-len(b))...)
}

func plainBody(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i>>16 ^ i>>8*7 ^ i*31)
	}
	return b
}

// onlyRead hides every method but Read.
type onlyRead struct{ io.Reader }

// onlySeek hides every method but Read and Seek.
type onlySeek struct{ io.ReadSeeker }

// countedSource tells what is done to it.
type countedSource struct {
	io.Reader
	reads int
	after func() // called before each Read, if not nil
}

func (c *countedSource) Read(p []byte) (int, error) {
	c.reads++
	if c.after != nil {
		c.after()
	}
	return c.Reader.Read(p)
}

// failAt yields b and then does what fail says.
type failAt struct {
	b    []byte
	pos  int
	at   int
	fail func() error
	done int // reads after the failure
}

func (f *failAt) Read(p []byte) (int, error) {
	if f.pos >= f.at {
		f.done++
		if err := f.fail(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.b[f.pos:min(max(f.at, f.pos+1), len(f.b), f.pos+10_000)])
	if n == 0 {
		return 0, io.EOF
	}
	f.pos += n
	return n, nil
}

// seekFailAt is failAt with a Seek.
type seekFailAt struct{ failAt }

func (f *seekFailAt) Seek(offset int64, whence int) (int64, error) {
	r := bytes.NewReader(f.b)
	if _, err := r.Seek(int64(f.pos), io.SeekStart); err != nil {
		return 0, err
	}
	at, err := r.Seek(offset, whence)
	if err == nil {
		f.pos = int(at)
	}
	return at, err
}

func cancelled(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}
