package gcs

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
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
	{Pattern: regexp.MustCompile(`--[0-9a-f]{60}`), With: "--<boundary>"},
	{Pattern: regexp.MustCompile(`(assertion=).*`), With: "$1<signed>"},
	{Pattern: regexp.MustCompile(`items%28.*%29`), By: func(fields string) string { // their order changes
		names := strings.Split(strings.TrimSuffix(strings.TrimPrefix(fields, "items%28"), "%29"), "%2C")
		slices.Sort(names)
		return "items(" + strings.Join(names, ",") + ")"
	}},
}

// TestGolden freezes what the service is sent, as it is and with each option
// that changes it.
func TestGolden(t *testing.T) {
	if race.Enabled {
		t.Skip("one request after another is no matter for the race detector: see the plain run")
	}
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	content := serviceAccount(t, "https://token.example/token")
	for name, change := range map[string]func(*Config){
		"plain":            func(*Config) {},
		"write-once":       func(cfg *Config) { cfg.WriteOnce = true },
		"customer-key":     func(cfg *Config) { cfg.SSECustomerKey = bytes.Repeat([]byte("k"), 32) },
		"kms":              func(cfg *Config) { cfg.KMSKeyName = "projects/p/locations/l/keyRings/r/cryptoKeys/k" },
		"storage-class":    func(cfg *Config) { cfg.StorageClass = "NEARLINE" },
		"quota-project":    func(cfg *Config) { cfg.QuotaProject = "payer" },
		"layout":           func(cfg *Config) { cfg.Layout = ltxstore.LayoutLitestream },
		"layout-s3":        func(cfg *Config) { cfg.Layout = ltxstore.LayoutLitestreamS3 },
		"root":             func(cfg *Config) { cfg.Path = "" },
		"page-size":        func(cfg *Config) { cfg.Transfer.PageSize = 7 },
		"chunk-size":       func(cfg *Config) { cfg.Transfer.PartSize = 2 * testChunk },
		"upload-threshold": func(cfg *Config) { cfg.Transfer.UploadThreshold = 4 * testChunk },
		"read-concurrency": func(cfg *Config) {
			cfg.Transfer.ReadConcurrency, cfg.Transfer.ReadMemory, cfg.Transfer.PartSize = 2, 4*testChunk, 2*testChunk
		},
		"credentials": func(cfg *Config) {
			cfg.Anonymous, cfg.CredentialsJSON = false, content
			cfg.HTTP.RoundTripper = &tokens{RoundTripper: cfg.HTTP.RoundTripper}
		},
		"endpoint": func(cfg *Config) { cfg.Endpoint = "https://storage.example:4443" },
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
			server := gcsfake.New(gcsfake.Options{Clock: func() time.Time { return at }, PageSize: 2}, "bucket")
			wire := &golden.Transport{Handler: server, Hide: hidden}
			cfg := Config{
				Bucket: "bucket", Path: "backups/db", HTTP: transport.Options{RoundTripper: wire}, Anonymous: true, Transfer: object.Options{PartSize: testChunk, DeleteConcurrency: 1, MetadataConcurrency: 1}, Logger: slog.New(slog.DiscardHandler),
				Retry: ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond},
			}
			change(&cfg)
			p := &play{ReplicaClient: NewReplicaClient(cfg), t: t, wire: wire, server: server}
			p.writes(cfg.WriteOnce)
			p.lists()
			p.reads()
			wire.Title("delete")
			require.NoError(t, p.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
			wire.Title("delete all")
			require.NoError(t, p.DeleteAll(t.Context()))
			assert.NoError(t, golden.Compare(name, wire.Text(), *update))
		})
	}
}

// play does everything that sends a request of its own kind.
type play struct {
	*ReplicaClient
	t      *testing.T
	wire   *golden.Transport
	server *gcsfake.Server
}

func (p *play) write(txid ltx.TXID, r io.Reader) error {
	_, err := p.WriteLTXFile(p.t.Context(), 0, txid, txid, r)
	return err
}

func (p *play) writes(once bool) {
	t, wire := p.t, p.wire
	small, large := ltxBody(t, 300), plainBody(2*testChunk+1)
	wire.Title("write a small file")
	require.NoError(t, p.write(1, onlyRead{bytes.NewReader(small)}))
	wire.Title("write a text")
	require.NoError(t, p.write(4, strings.NewReader("a text")))
	wire.Title("write a large file")
	require.NoError(t, p.write(2, onlyRead{bytes.NewReader(large)}))
	wire.Title("fail to write a large file")
	require.Error(t, p.write(3, io.MultiReader(onlyRead{bytes.NewReader(append(large, large...))}, iotest.ErrReader(errors.New("disk")))))
	if once {
		wire.Title("write what is there already")
		require.NoError(t, p.write(4, strings.NewReader("a text")))
		wire.Title("write other content, large")
		require.ErrorIs(t, p.write(4, bytes.NewReader(large)), fs.ErrExist)
	}
}

func (p *play) lists() {
	list := func(seek ltx.TXID, useMetadata bool) {
		it, err := p.LTXFiles(p.t.Context(), 0, seek, useMetadata)
		require.NoError(p.t, err)
		for it.Next() {
		}
		require.NoError(p.t, it.Close())
	}
	p.wire.Title("list, page by page")
	list(0, false)
	p.wire.Title("list from the fourth file, with the headers' times")
	list(4, true)
	p.wire.Title("the same of a copy by another tool")
	require.True(p.t, p.server.Strip("bucket", p.keys().File(0, 4, 4)))
	list(4, true)
}

func (p *play) reads() {
	read := func(txid ltx.TXID, offset, size int64) {
		r, err := p.OpenLTXFile(p.t.Context(), 0, txid, txid, offset, size)
		require.NoError(p.t, err)
		defer r.Close()
		_, err = io.ReadAll(r)
		require.NoError(p.t, err)
	}
	p.wire.Title("read a large file, which breaks off")
	first := true
	p.wire.Answer = func(_ int, req *http.Request, resp *http.Response) {
		if first && req.URL.Query().Get("alt") == "media" {
			first = false
			resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, 100), failing{io.ErrUnexpectedEOF}))
		}
	}
	read(2, 0, 0)
	p.wire.Answer = nil
	p.wire.Title("read a range")
	read(1, 10, 20)
	p.wire.Title("read from an offset to the end")
	read(1, 10, 0)
	p.wire.Title("read past the end")
	read(1, 1000, 0)
	if key := p.given().SSECustomerKey; key == nil { // of which a stranger puts nothing
		p.wire.Title("read a larger file")
		p.wire.Concurrent()
		p.server.Put("bucket", p.keys().File(0, 5, 5), make([]byte, 4*testChunk+100))
		read(5, 0, 0)
	}
}

// keys names the client's files.
func (p *play) keys() backend.Keys {
	keys, err := backend.KeysAt(p.given().Layout, p.given().Path)
	require.NoError(p.t, err)
	return keys
}
