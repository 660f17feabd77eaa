package mirror

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	_ "github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	_ "github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/compress"
)

func opened(t *testing.T, src ltxstore.Source) *Client {
	t.Helper()
	require.NoError(t, src.Check())
	client, err := ltxstore.OpenSource(t.Context(), src)
	require.NoError(t, err)
	return client.(*Client)
}

// A URL and a file with the same content give the same Config, for every setting.
func TestURLAndFileAgree(t *testing.T) {
	every := map[string]struct {
		value string
		want  Config
	}{
		"replicas": {"mem://", Config{}},
		"policy":   {"quorum", Config{Policy: PolicyQuorum}},
		"backoff":  {"2s", Config{Backoff: 2 * time.Second}},
	}
	for _, name := range wraptest.Names(wrapper) {
		tt, ok := every[name]
		if !assert.True(t, ok, "%s is not tested", name) {
			continue
		}
		section := map[string]any{"replicas": []any{"file:///r", map[string]any{"type": "mem", "compress": map[string]any{}}}}
		src := ltxstore.Source{URL: "mem://", Mirrors: []ltxstore.Source{{URL: "file:///r"}, {URL: "mem://?compress=true"}}}
		if name != "replicas" {
			src.URL += "?mirror." + name + "=" + tt.value
			section[name] = tt.value
		}
		text, err := yaml.Dump(map[string]any{"type": "mem", "mirror": section})
		require.NoError(t, err)
		found, err := config.ParseReplicas(text, config.Options{})
		require.NoError(t, err, name)
		for _, src := range []ltxstore.Source{src, found[0].Source()} {
			got := opened(t, src).given
			if assert.Len(t, got.Others, 2) {
				assert.Equal(t, "file", got.Others[0].Type())
				assert.IsType(t, &compress.Client{}, got.Others[1])
			}
			got.Others = nil
			assert.Equal(t, tt.want, got, name)
		}
	}
	for _, text := range []string{"mirror: [file:///r]", "mirror: [{url: 'file:///r'}]", "mirror: [{path: /r}]", "mirror: 'file:///r'", "mirror: {replicas: 'file:///r'}"} {
		found, err := config.ParseReplicas([]byte("type: mem\n"+text), config.Options{})
		require.NoError(t, err, text)
		assert.Equal(t, "file", opened(t, found[0].Source()).given.Others[0].Type(), text)
	}
}

// Each replica finds its own layout.
func TestAutoLayout(t *testing.T) {
	dir := filepath.ToSlash(t.TempDir())
	for _, layout := range []string{"litestream", "litestream-s3"} {
		client, err := ltxstore.Open(t.Context(), "file://"+dir+"/"+layout+"?layout="+layout)
		require.NoError(t, err)
		_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader(layout))
		require.NoError(t, err)
		require.NoError(t, ltxstore.Close(client))
	}
	client, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: "file://" + dir + "/litestream?layout=auto",
		Mirrors: []ltxstore.Source{{URL: "file://" + dir + "/litestream-s3?layout=auto"}}})
	require.NoError(t, err)
	defer func() { assert.NoError(t, ltxstore.Close(client)) }()
	for n, name := range []string{"litestream", "litestream-s3"} {
		rc, err := client.(*Client).Replicas()[n].OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err, name)
		require.NoError(t, rc.Close())
	}
}

func TestSettingsRefused(t *testing.T) {
	for query, says := range map[string]string{
		"mirror=true":                            "mirror.replicas is missing: want at least one more replica",
		"mirror.policy=all":                      "mirror.replicas is missing: want at least one more replica",
		": file:":                                "mirror.0: file: init: invalid argument: the URL has no path",
		": mem:// mem://?page-siz=":              `mirror.1: mock: init: invalid argument: unknown setting "page-siz" in the URL`,
		"mirror.policy=most: mem://":             `mirror.policy in the URL is "most": want "", "all", "quorum" or "best-effort"`,
		"mirror.polcy=all: mem://":               "did you mean mirror.policy?",
		": mem://?crypt=true":                    "want a recipient",
		": mem://?secret-access-key=hush":        `unknown setting "secret-access-key" in the URL`,
		"mirror=s3://b?secret-access-key%3Dhush": "mirror in the URL is not shown: want true or false",
	} {
		query, urls, ok := strings.Cut(query, ": ")
		src := ltxstore.Source{URL: "mem://?" + query}
		if ok {
			for _, raw := range strings.Fields(urls) {
				src.Mirrors = append(src.Mirrors, ltxstore.Source{URL: raw})
			}
		}
		if says == "mirror in the URL is false, and there are replicas: want one of them" {
			src.Mirrors = []ltxstore.Source{{URL: "mem://"}}
		}
		_, err := ltxstore.OpenSource(t.Context(), src)
		require.ErrorIs(t, err, fs.ErrInvalid, query)
		assert.ErrorIs(t, src.Check(), fs.ErrInvalid)
		assert.NotContains(t, err.Error(), "hush")
		assert.ErrorContains(t, err, says)
	}
	assert.Equal(t, "mem://?mirror=[redacted]&mirror.0.region=[redacted]&mirror.policy=all",
		ltxstore.Redact("mem://?mirror=s3://b?secret-access-key%3Dhush&mirror.0.region=hush&mirror.policy=all"))
}

// The databases of a directory have a mirror each, in the layout of Litestream where
// that is asked for.
func TestMirrorOfADirectory(t *testing.T) {
	_, err := config.Parse([]byte(`
dbs:
- dir: /data
  replica:
    path: /a
    mirror:
    - ~/b
    - {type: mem, path: m}
    - {url: "file:///c?must-exist=true", layout: default}
    - {path: ~/d}
`), config.Options{Getenv: func(key string) (string, bool) { return "/home/me", key == "HOME" }})
	require.ErrorContains(t, err, "the URL has no scheme")
	file, err := config.Parse([]byte(`
dbs:
- dir: /data
  replica:
    path: /a
    mirror:
    - file:///b
    - {type: mem, path: m}
    - {url: "file:///c?must-exist=true", layout: default}
    - {path: ~/d}
`), config.Options{Getenv: func(key string) (string, bool) { return "/home/me", key == "HOME" }})
	require.NoError(t, err)
	sub, err := file.DBs[0].Replicas[0].Sub("x/one.db")
	require.NoError(t, err)
	require.NoError(t, sub.Source().Check())
	assert.Equal(t, "/a/x/one.db", sub.Source().Settings["path"])
	var places, layouts []string
	for _, other := range sub.Source().Mirrors {
		places = append(places, other.URL+other.Settings["path"])
		layouts = append(layouts, other.Layout+other.Settings["layout"])
	}
	assert.Equal(t, []string{"file:///b/x/one.db", "m/x/one.db", "file:///c/x/one.db?must-exist=true", "/home/me/d/x/one.db"}, places)
	assert.Equal(t, []string{"litestream", "litestream", "litestreamdefault", "litestream"}, layouts)
	again, err := file.DBs[0].Replicas[0].Sub("two.db")
	require.NoError(t, err)
	assert.Equal(t, "file:///b/two.db", again.Source().Mirrors[0].URL)

	for text, says := range map[string]string{
		"replica: {type: mem, mirror: [{type: mem, compress: }]}":  "compress has no settings",
		"replica: {type: mem, mirror: [{type: mem, crypt: {}}]}":   "mirror.0: crypt: init: invalid argument: crypt.recipients is missing",
		"replica: {type: mem, mirror: [{type: mem, page-siz: 3}]}": `unknown setting "page-siz" (line 1, column 43)`,
		"replica: {type: mem, mirror: []}":                         "mirror.replicas is missing",
	} {
		_, err := config.Parse([]byte(text), config.Options{})
		if assert.ErrorIs(t, err, fs.ErrInvalid, text) {
			assert.ErrorContains(t, err, says)
		}
	}
}
