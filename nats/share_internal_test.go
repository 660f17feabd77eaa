package nats

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A file whose content has changed, as when credentials are renewed, is another way to
// connect.
func TestWayToConnect(t *testing.T) {
	file := filepath.Join(t.TempDir(), "user.creds")
	cfg := Config{Bucket: "bucket", Creds: file}
	missing := cfg.way()
	require.NoError(t, os.WriteFile(file, []byte("a"), 0o600))
	first := cfg.way()
	require.NoError(t, os.WriteFile(file, []byte("b"), 0o600))
	assert.NotEqual(t, missing, first)
	assert.NotEqual(t, first, cfg.way())
	assert.Equal(t, cfg.way(), cfg.way())
	for i, change := range []func(*Config){
		func(cfg *Config) { cfg.Password = "secret" },
		func(cfg *Config) { cfg.RootCAs = []string{file} },
		func(cfg *Config) { cfg.ClientCert = file },
		func(cfg *Config) { cfg.ClientKey = file },
		func(cfg *Config) { cfg.NKey = file },
	} {
		before := cfg.way()
		change(&cfg)
		assert.NotEqual(t, before, cfg.way(), i)
	}
}
