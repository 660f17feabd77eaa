package mirror

import (
	"fmt"
	"io/fs"
	"net/url"
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
	_ "github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/compress"
)

func TestTableIsWhole(t *testing.T) { assert.Empty(t, table().Check()) }

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
		"replicas":    {"mem://", Config{}},
		"policy":      {"quorum", Config{Policy: PolicyQuorum}},
		"backoff":     {"2s", Config{Backoff: 2 * time.Second}},
		"max-backoff": {"2m", Config{MaxBackoff: 2 * time.Minute}},
	}
	for _, row := range table().Rows {
		tt, ok := every[row.Name]
		if !assert.True(t, ok, "%s is not tested", row.Name) {
			continue
		}
		query := url.Values{"mirror": {"file:///r"}, "mirror.replicas": {"mem://?compress=true"}}
		section := map[string]any{"replicas": []any{"file:///r", map[string]any{"type": "mem", "compress": map[string]any{}}}}
		if row.Name != "replicas" {
			query.Set("mirror."+row.Name, tt.value)
			section[row.Name] = tt.value
		}
		text, err := yaml.Dump(map[string]any{"type": "mem", "mirror": section})
		require.NoError(t, err)
		found, err := config.ParseReplicas(text, config.Options{})
		require.NoError(t, err, row.Name)
		for _, src := range []ltxstore.Source{{URL: "mem://?" + query.Encode()}, found[0].Source()} {
			got := opened(t, src).given
			if assert.Len(t, got.Others, 2) {
				assert.Equal(t, "file", got.Others[0].Type())
				assert.IsType(t, &compress.Client{}, got.Others[1])
			}
			got.Others = nil
			assert.Equal(t, tt.want, got, row.Name)
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
	client, err := ltxstore.Open(t.Context(), "file://"+dir+"/litestream?layout=auto&mirror="+url.QueryEscape("file://"+dir+"/litestream-s3?layout=auto"))
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
		"mirror=true":       "mirror.replicas is missing: want another replica",
		"mirror.policy=all": "mirror.replicas is missing: want another replica",
		"mirror=gone://x":   `mirror.0: ltxstore: init: invalid argument: no backend is registered for the scheme "gone"`,
		"mirror=file:":      "mirror.0: file: init: invalid argument: the URL has no path",
		"mirror=mem://&mirror=mem://?page-siz%3D": "mirror.1: mock: init: invalid argument: page-siz in the URL is no setting",
		"mirror=mem://&mirror.policy=most":        `mirror.policy in the URL is "most": want all, quorum or best-effort`,
		"mirror=mem://?hush%3Dx&mirror.polcy=all": "did you mean mirror.policy?",
		"mirror=mem://?crypt%3Dtrue":              "want a recipient",
		"mirror=mem://?secret-access-key%3Dhush":  "secret-access-key in the URL is no setting",
	} {
		src := ltxstore.Source{URL: "mem://?" + query}
		_, err := ltxstore.OpenSource(t.Context(), src)
		require.ErrorIs(t, err, fs.ErrInvalid, query)
		assert.ErrorIs(t, src.Check(), fs.ErrInvalid)
		assert.NotContains(t, err.Error(), "hush")
		if query != "mirror=mem://&mirror=mem://?page-siz%3D" {
			assert.ErrorContains(t, err, says)
		}
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
	assert.Equal(t, map[string]string{"path": "/a/x/one.db", "mirror.enabled": "true",
		"mirror.0": "file:///b/x/one.db", "mirror.0.layout": "litestream",
		"mirror.1.type": "mem", "mirror.1.path": "m/x/one.db", "mirror.1.layout": "litestream",
		"mirror.2.url": "file:///c/x/one.db?must-exist=true", "mirror.2.layout": "default",
		"mirror.3.path": "/home/me/d/x/one.db", "mirror.3.layout": "litestream",
	}, sub.Source().Settings)
	again, err := file.DBs[0].Replicas[0].Sub("two.db")
	require.NoError(t, err)
	assert.Equal(t, "file:///b/two.db", again.Source().Settings["mirror.0"])

	for text, says := range map[string]string{
		"dbs: [{dir: /d, replica: {url: 'mem://?mirror=mem://'}}]":    "the URL has a mirror: want it beside the URL",
		"dbs: [{dir: /d, replica: {type: mem, mirror: 'mem://'}}]":    "is a URL: want a list of one",
		"replica: {type: mem, mirror: [{type: mem, compress: }]}":     "mirror.0.compress has no settings",
		"replica: {type: mem, mirror: [{type: mem, crypt: {}}]}":      "mirror.0: crypt: init: invalid argument: crypt.recipients is missing",
		"replica: {type: mem, mirror: [{type: mem, page-siz: 3}]}":    "page-siz (line 1, column 43) is no setting",
		"replica: {url: 'mem://?mirror=mem://', mirror: ['mem://']}":  "say the same thing",
		"replica: {type: mem, mirror: []}":                            "mirror.replicas is missing",
		"mirror: ['mem://']\nreplica: {type: mem, mirror: [gone://]}": `no backend is registered for the scheme "gone"`,
	} {
		_, err := config.Parse([]byte(text), config.Options{})
		if assert.ErrorIs(t, err, fs.ErrInvalid, text) {
			assert.ErrorContains(t, err, says)
		}
	}
	found, err := config.ParseReplicas([]byte("url: 'mem://?mirror=mem://'"), config.Options{})
	require.NoError(t, err)
	_, err = found[0].Sub("one.db")
	assert.ErrorContains(t, err, "want a mirror beside the URL")
	assert.NotContains(t, fmt.Sprint(found[0]), "mirror=mem")
}
