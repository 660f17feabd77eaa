package cache

import (
	"io/fs"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	_ "github.com/ltxstore/ltxstore/mock"
)

func openConfig(t *testing.T, src ltxstore.Source) Config {
	t.Helper()
	client, err := ltxstore.OpenSource(t.Context(), src)
	require.NoError(t, err)
	return client.(*Client).given
}

// A URL and a file with the same content give the same Config, for every setting.
func TestURLAndFileAgree(t *testing.T) {
	every := map[string]struct {
		value string
		want  Config
	}{
		"ttl":        {"5s", Config{TTL: 5 * time.Second}},
		"max-files":  {"7", Config{MaxFiles: 7}},
		"block-ttl":  {"2h", Config{BlockTTL: 2 * time.Hour}},
		"block-size": {"8KiB", Config{BlockSize: 8 << 10}},
		"max-range":  {"100kB", Config{MaxRange: 100_000}},
		"size":       {"1MiB", Config{Size: 1 << 20}},
		"dir":        {"/never made", Config{Dir: "/never made"}},
		"only":       {"blocks", Config{Only: OnlyBlocks}},
	}
	for _, name := range wraptest.Names(wrapper) {
		tt, ok := every[name]
		if !assert.True(t, ok, "%s is not tested", name) {
			continue
		}
		raw := "mem://?" + url.Values{"cache." + name: {tt.value}}.Encode()
		assert.Equal(t, tt.want, openConfig(t, ltxstore.Source{URL: raw}), name)
		text, err := yaml.Dump(map[string]any{"type": "mem", "cache": map[string]string{name: tt.value}})
		require.NoError(t, err)
		found, err := config.ParseReplicas(text, config.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, openConfig(t, found[0].Source()), name)
	}
	_, err := ltxstore.Open(t.Context(), "mem://?cache.block-size=5000")
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "cache: init: invalid argument: cache.block-size in the URL is \"5000\"")
}
