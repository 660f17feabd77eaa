package gcs

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/gcsfake"
	"github.com/ltxstore/ltxstore/internal/golden"
)

var update = flag.Bool("update", false, "write testdata/golden")

// hidden is what changes from run to run.
var hidden = []golden.Hidden{
	{Pattern: regexp.MustCompile(`gccl-invocation-id/\S+`), With: "gccl-invocation-id/<id>"},
	{Pattern: regexp.MustCompile(`(X-Goog-Gcs-Idempotency-Token: ).*`), With: "$1<id>"},
	{Pattern: regexp.MustCompile(`gl-go/\S+`), With: "gl-go/<version>"},
	{Pattern: regexp.MustCompile(`(gccl|gdcl)/[0-9][^ ]*`), With: "$1/<version>"},
	{Pattern: regexp.MustCompile(`(User-Agent: ).*`), With: "$1<versions>"},
	{Pattern: regexp.MustCompile(`boundary=\S+`), With: "boundary=<boundary>"},
	{Pattern: regexp.MustCompile(`items\([^)]*\)`), With: "items(<fields>)"}, // their order changes
	{Pattern: regexp.MustCompile(`items%28.*%29`), With: "items(<fields>)"},
}

// TestGolden freezes what the service is sent, as it is and with each option
// that changes it.
func TestGolden(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"plain":          func(*Config) {},
		"write-once":     func(cfg *Config) { cfg.WriteOnce = true },
		"customer-key":   func(cfg *Config) { cfg.SSECustomerKey = bytes.Repeat([]byte("k"), 32) },
		"kms":            func(cfg *Config) { cfg.KMSKeyName = "projects/p/locations/l/keyRings/r/cryptoKeys/k" },
		"storage-class":  func(cfg *Config) { cfg.StorageClass = "NEARLINE" },
		"quota-project":  func(cfg *Config) { cfg.QuotaProject = "payer" },
		"layout":         func(cfg *Config) { cfg.Layout = ltxstore.LayoutLitestream },
		"verify-head":    func(cfg *Config) { cfg.Verify = ltxstore.VerifyHead },
		"verify-content": func(cfg *Config) { cfg.Verify = ltxstore.VerifyReadback },
		"page-size":      func(cfg *Config) { cfg.PageSize = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
			wire := &golden.Transport{Handler: gcsfake.New(gcsfake.Options{Clock: func() time.Time { return at }, PageSize: 1}, "bucket"), Hide: hidden}
			cfg := Config{
				Bucket: "bucket", Path: "backups/db", RoundTripper: wire, Anonymous: true, ChunkSize: testChunk,
				DeleteConcurrency: 1, MetadataConcurrency: 1, Logger: slog.New(slog.DiscardHandler),
				Retry: ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond},
			}
			change(&cfg)
			playGolden(t, wire, NewReplicaClient(cfg))
			assert.NoError(t, golden.Compare(name, wire.Text(), *update))
		})
	}
}

// playGolden does everything that sends a request of its own kind.
func playGolden(t *testing.T, wire *golden.Transport, c *ReplicaClient) {
	t.Helper()
	ctx := t.Context()
	small, large := ltxBody(t, 300), plainBody(2*testChunk+1)
	wire.Title("write a small file")
	_, err := c.WriteLTXFile(ctx, 0, 1, 1, onlyRead{bytes.NewReader(small)})
	require.NoError(t, err)
	wire.Title("write a large file")
	_, err = c.WriteLTXFile(ctx, 0, 2, 2, onlyRead{bytes.NewReader(large)})
	require.NoError(t, err)
	wire.Title("fail to write a large file")
	_, err = c.WriteLTXFile(ctx, 0, 3, 3, io.MultiReader(bytes.NewReader(large), iotest.ErrReader(errors.New("disk"))))
	require.Error(t, err)

	goldenList(t, wire, c, "list, page by page", 0)
	goldenList(t, wire, c, "list from the second file", 2)

	wire.Title("read a large file, which breaks off")
	first := true
	wire.Answer = func(_ int, req *http.Request, resp *http.Response) {
		if first && req.URL.Query().Get("alt") == "media" {
			first = false
			resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, 100), failing{io.ErrUnexpectedEOF}))
		}
	}
	goldenRead(t, c, 2, 0, 0)
	wire.Answer = nil
	wire.Title("read a range")
	goldenRead(t, c, 1, 10, 20)

	wire.Title("delete")
	require.NoError(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	wire.Title("delete all")
	require.NoError(t, c.DeleteAll(ctx))
}

func goldenList(t *testing.T, wire *golden.Transport, c *ReplicaClient, title string, seek ltx.TXID) {
	t.Helper()
	wire.Title("%s", title)
	it, err := c.LTXFiles(t.Context(), 0, seek, true)
	require.NoError(t, err)
	for it.Next() {
	}
	require.NoError(t, it.Close())
}

func goldenRead(t *testing.T, c *ReplicaClient, txid ltx.TXID, offset, size int64) {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), 0, txid, txid, offset, size)
	require.NoError(t, err)
	defer r.Close()
	_, err = io.ReadAll(r)
	require.NoError(t, err)
}
