package gcs

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/memnet"
)

const (
	testKey   = "db/ltx/0000/0000000000000001-0000000000000001.ltx"
	testChunk = 256 << 10
)

// bench is a server under faults, and a client of it.
type bench struct {
	*ReplicaClient
	server *gcsfake.Server
	faults *httpfault.Layer
	url    string
}

func newBench(t testing.TB, opt gcsfake.Options, change func(*Config)) *bench {
	t.Helper()
	b := &bench{server: gcsfake.New(opt, "bucket")}
	b.faults = httpfault.New(b.server)
	b.faults.Name(gcsfake.Operation)
	server := httptest.NewUnstartedServer(b.faults)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	t.Cleanup(b.faults.Clear)
	b.url = server.URL
	b.ReplicaClient = b.client(t, change)
	return b
}

// newMemoryBench is newBench in the clock of testing/synctest, over a network in memory
// whose timeouts are one minute.
func newMemoryBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := &bench{server: gcsfake.New(gcsfake.Options{}, "bucket")}
	b.faults = httpfault.New(b.server)
	b.faults.Name(gcsfake.Operation)
	server, client := memnet.Serve(b.faults)
	t.Cleanup(func() { server.Close(); client.CloseIdleConnections() })
	t.Cleanup(b.faults.Clear)
	b.url = server.URL
	b.ReplicaClient = b.client(t, func(cfg *Config) {
		cfg.HTTP.RoundTripper = client
		if change != nil {
			change(cfg)
		}
	})
	return b
}

// client returns another client of the replica.
func (b *bench) client(t testing.TB, change func(*Config)) *ReplicaClient {
	t.Helper()
	cfg := Config{
		Bucket: "bucket", Path: "db", Endpoint: b.url, Transfer: object.Options{PartSize: testChunk},
		Retry:  ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond},
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	c := NewReplicaClient(cfg)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func (b *bench) write(t *testing.T, r io.Reader) (*ltx.FileInfo, error) {
	t.Helper()
	return b.WriteLTXFile(t.Context(), 0, 1, 1, r)
}

// read reads a range of the one file to its end.
func (b *bench) read(t *testing.T, offset, size int64) ([]byte, error) {
	t.Helper()
	r, err := b.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// list returns the files of level 0.
func (b *bench) list(t *testing.T, seek ltx.TXID, useMetadata bool) ([]ltx.FileInfo, error) {
	t.Helper()
	it, err := b.LTXFiles(t.Context(), 0, seek, useMetadata)
	require.NoError(t, err)
	var files []ltx.FileInfo
	for it.Next() {
		files = append(files, *it.Item())
	}
	return files, it.Close()
}

// fail scripts what happens to requests of an operation.
func (b *bench) fail(operation string, times int, do httpfault.Effect) {
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: operation}, Times: times, Do: do})
}

// counts asserts how many requests of which operations there were.
func (b *bench) counts(t *testing.T, want map[string]int) {
	t.Helper()
	assert.Equal(t, want, b.faults.Counts())
	assert.Zero(t, b.faults.Unused(), "faults that nobody met")
}

// holds asserts that the object is body, and that no upload is left.
func (b *bench) holds(t *testing.T, body []byte) {
	t.Helper()
	o, ok := b.server.Get("bucket", testKey)
	if assert.True(t, ok, "stored") {
		assert.True(t, string(body) == string(o.Body), "%d bytes stored, want %d", len(o.Body), len(body))
	}
	assert.Empty(t, b.server.Sessions("bucket"))
}

// nothing asserts that the store is as it was at the beginning.
func (b *bench) nothing(t *testing.T) {
	t.Helper()
	assert.Empty(t, b.server.Keys("bucket"))
	assert.Empty(t, b.server.Sessions("bucket"))
}

var testTime = time.Date(2024, 5, 6, 7, 8, 9, 123e6, time.UTC)

// ltxBody begins with a valid header and has size bytes.
func ltxBody(t testing.TB, size int) []byte {
	t.Helper()
	hdr := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: 1, MaxTXID: 1,
		Timestamp: testTime.UnixMilli(), Flags: ltx.HeaderFlagNoChecksum}
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
