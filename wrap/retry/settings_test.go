package retry

import (
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	_ "github.com/ltxstore/ltxstore/s3"
)

func TestURLAndFileAgree(t *testing.T) {
	configOf := func(client ltxstore.ReplicaClient) Config {
		opened, err := client.(*Client).Begin(t.Context(), "init", nil)
		require.NoError(t, err)
		return opened.cfg
	}
	wraptest.Settings(t, wrapper, configOf, new(defaults(Config{})), map[[2]string]Config{
		{"max-attempts", "3"}:    defaults(Config{Retry: ltxstore.Retry{MaxAttempts: 3}}),
		{"base-delay", "1s"}:     defaults(Config{Retry: ltxstore.Retry{BaseDelay: time.Second}}),
		{"max-delay", "1m"}:      defaults(Config{Retry: ltxstore.Retry{MaxDelay: time.Minute}}),
		{"buffer-size", "64KiB"}: defaults(Config{BufferSize: 64 << 10}),
	})
}

func defaults(cfg Config) Config {
	cfg.Retry = cfg.Retry.WithDefaults()
	if cfg.BufferSize == 0 {
		cfg.BufferSize = defaultBufferSize
	}
	return cfg
}

func TestSettingsRefused(t *testing.T) {
	for raw, says := range map[string]string{
		"mem://?retry.max-attempts=1": `retry.max-attempts in the URL is "1"`,
		"mem://?retry.max-atempts=3":  "did you mean retry.max-attempts?",
		"mem://?retry.buffer-size=-1": "want a size in bytes",
		"mem://?retry.base-delay=1m":  `retry.base-delay in the URL is "1m": want at most retry.max-delay, 20s`,
		"s3://bucket/db?retry=true":   `want a client that does not retry itself`,
	} {
		_, err := ltxstore.Open(t.Context(), raw)
		require.ErrorIs(t, err, fs.ErrInvalid, raw)
		assert.ErrorContains(t, err, says, raw)
	}
	client, err := ltxstore.Open(t.Context(), "s3://bucket/db?retry=true&retry-max-attempts=1")
	require.NoError(t, err)
	assert.IsType(t, &Client{}, client)
}
