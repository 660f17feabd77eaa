package oss

import (
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
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

var update = flag.Bool("update", false, "write testdata/golden")

const testPart = 100 << 10

// hidden is what changes from run to run.
var hidden = []golden.Hidden{
	{Pattern: regexp.MustCompile(`(Credential=id/)\d+(/.*Signature=).*`), With: "$1<date>$2<signature>"},
	{Pattern: regexp.MustCompile(`((?:X-Oss-)?Date: ).*`), With: "$1<date>"},
	{Pattern: regexp.MustCompile(`(User-Agent: ).*`), With: "$1<versions>"},
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
		"storage-class":    func(cfg *Config) { cfg.StorageClass = "IA" },
		"sse":              func(cfg *Config) { cfg.SSE = "AES256" },
		"kms":              func(cfg *Config) { cfg.SSE, cfg.KMSKeyID = "KMS", "key" },
		"layout-s3":        func(cfg *Config) { cfg.Layout = ltxstore.LayoutLitestreamS3 },
		"root":             func(cfg *Config) { cfg.Path = "" },
		"page-size":        func(cfg *Config) { cfg.Transfer.PageSize = 7 },
		"upload-threshold": func(cfg *Config) { cfg.Transfer.UploadThreshold = 4 * testPart },
		"security-token":   func(cfg *Config) { cfg.SecurityToken = "token" },
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
			server := ossfake.New(ossfake.Options{ID: "id", Secret: "secret", Region: "cn-test", Clock: func() time.Time { return at }, PageSize: 2}, "bucket")
			wire := &golden.Transport{Hide: hidden, Handler: server}
			cfg := Config{
				Endpoint: "https://192.0.2.7", Region: "cn-test", AccessKeyID: "id", SecretAccessKey: "secret", Bucket: "bucket", Path: "backups/db",
				HTTP: transport.Options{RoundTripper: wire}, Transfer: object.Options{PartSize: testPart, Concurrency: 1, DeleteConcurrency: 1, MetadataConcurrency: 1}, Logger: slog.New(slog.DiscardHandler),
				Retry: ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond},
			}
			change(&cfg)
			play := golden.Play{Client: NewReplicaClient(cfg), Wire: wire, PartSize: testPart, Once: cfg.WriteOnce}
			require.NoError(t, play.Run(t.Context()))
			assert.NoError(t, golden.Compare(name, wire.Text(), *update))
		})
	}
}
