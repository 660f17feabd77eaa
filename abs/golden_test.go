package abs

import (
	"bytes"
	"flag"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

var update = flag.Bool("update", false, "write testdata/golden")

// hidden is what changes from run to run.
var hidden = []golden.Hidden{
	{Pattern: regexp.MustCompile(`(?im)^    (x-ms-date|authorization): .*\n`), With: ""}, // of the requests in a batch, in any order
	{Pattern: regexp.MustCompile(`(?i)(x-ms-(client-request-id|date): ).*`), With: "$1<id>"},
	{Pattern: regexp.MustCompile(`(?i)(authorization: sharedkey account:).*`), With: "$1<signature>"},
	{Pattern: regexp.MustCompile(`(User-Agent: ).*`), With: "$1<versions>"},
	{Pattern: regexp.MustCompile(`batch_?[0-9a-f-]{36}`), With: "<boundary>"},
	{Pattern: regexp.MustCompile(`(blockid=|<Latest>)[^<&]{20}[^<&]*`), With: "$1<id>"},
}

// TestGolden freezes what the service is sent, as it is and with each option
// that changes it.
func TestGolden(t *testing.T) {
	if race.Enabled {
		t.Skip("one request after another is no matter for the race detector: see the plain run")
	}
	for name, change := range map[string]func(*Config){
		"plain":            func(*Config) {},
		"write-once":       func(cfg *Config) { cfg.WriteOnce = true },
		"customer-key":     func(cfg *Config) { cfg.CustomerKey = bytes.Repeat([]byte("k"), 32) },
		"encryption-scope": func(cfg *Config) { cfg.EncryptionScope = "scope" },
		"access-tier":      func(cfg *Config) { cfg.AccessTier = "Cool" },
		"sas":              func(cfg *Config) { cfg.AccountKey, cfg.SASToken = "", "?sv=2026-02-06&sig=c2lnbmF0dXJl" },
		"layout":           func(cfg *Config) { cfg.Layout = ltxstore.LayoutLitestream },
		"root":             func(cfg *Config) { cfg.Path = "" },
		"page-size":        func(cfg *Config) { cfg.Transfer.PageSize = 7 },
		"upload-threshold": func(cfg *Config) { cfg.Transfer.UploadThreshold = 4 * testPart },
		"endpoint":         func(cfg *Config) { cfg.Endpoint = "https://blobs.example:4443" },
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
			wire := &golden.Transport{Hide: hidden}
			cfg := Config{
				Account: "account", AccountKey: testKey, Bucket: "container", Path: "backups/db", HTTP: transport.Options{RoundTripper: wire}, Transfer: object.Options{PartSize: testPart, Concurrency: 1, DeleteConcurrency: 1, MetadataConcurrency: 1}, Logger: slog.New(slog.DiscardHandler),
				Retry: ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond},
			}
			change(&cfg)
			wire.Handler = absfake.New(absfake.Options{Account: "account", Key: cfg.AccountKey, Clock: func() time.Time { return at }, PageSize: 2}, "container")
			play := golden.Play{Client: NewReplicaClient(cfg), Wire: wire, PartSize: testPart, Once: cfg.WriteOnce}
			require.NoError(t, play.Run(t.Context()))
			assert.NoError(t, golden.Compare(name, wire.Text(), *update))
		})
	}
}
