package compress

import (
	"io/fs"
	"net/url"
	"testing"

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
		"level":                {"best", Config{Level: "best"}},
		"frame-size":           {"64KiB", Config{FrameSize: 64 << 10}},
		"metadata-concurrency": {"5", Config{MetadataConcurrency: 5}},
		"cache-size":           {"1MiB", Config{CacheSize: 1 << 20}},
	}
	for _, name := range wraptest.Names(wrapper) {
		tt, ok := every[name]
		if !assert.True(t, ok, "%s is not tested", name) {
			continue
		}
		raw := "mem://?" + url.Values{"compress." + name: {tt.value}}.Encode()
		assert.Equal(t, tt.want, openConfig(t, ltxstore.Source{URL: raw}), name)
		text, err := yaml.Dump(map[string]any{"type": "mem", "compress": map[string]string{name: tt.value}})
		require.NoError(t, err)
		found, err := config.ParseReplicas(text, config.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, openConfig(t, found[0].Source()), name)
	}
	assert.Equal(t, Config{}, openConfig(t, ltxstore.Source{URL: "mem://?compress=true"}))
}

func TestSettingsRefused(t *testing.T) {
	for query, says := range map[string]string{
		"compress.levle=best":      "did you mean compress.level?",
		"compress.level=hardest":   `compress: init: invalid argument: compress.level in the URL is "hardest"`,
		"compress.frame-size=5000": `compress.frame-size in the URL is "5000"`,
		"compress=3":               "want true or false",
	} {
		_, err := ltxstore.Open(t.Context(), "mem://?"+query)
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, says)
	}
}
