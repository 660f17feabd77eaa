package file

import (
	"io/fs"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func openConfig(t *testing.T, src ltxstore.Source) Config {
	t.Helper()
	client, err := ltxstore.OpenSource(t.Context(), src)
	require.NoError(t, err)
	return client.(*ReplicaClient).given
}

// A URL and a file with the same content give the same Config, for every
// setting.
func TestURLAndFileAgree(t *testing.T) {
	every := map[string]struct {
		value string
		want  Config
	}{
		"path":       {"/a b/%", Config{Path: "/a b/%"}},
		"layout":     {"litestream", Config{Layout: ltxstore.LayoutLitestream}},
		"write-once": {"true", Config{WriteOnce: true}},
		"must-exist": {"true", Config{MustExist: true}},
		"dir-mode":   {"0700", Config{DirMode: 0o700}},
		"file-mode":  {"0600", Config{FileMode: 0o600}},
		"sweep-age":  {"2h", Config{SweepAge: 2 * time.Hour}},
	}
	for _, name := range settings.Drivers().Get(typeName).Names() {
		tt, ok := every[name]
		if !assert.True(t, ok, "%s is not tested", name) {
			continue
		}
		given := map[string]string{"path": "/r", name: tt.value}
		if tt.want.Path == "" {
			tt.want.Path = "/r"
		}
		place := &url.URL{Scheme: "file", Path: given["path"], RawQuery: url.Values{name: {tt.value}}.Encode()}
		assert.Equal(t, tt.want, openConfig(t, ltxstore.Source{URL: place.String()}), name)
		given["type"] = "file"
		text, err := yaml.Dump(given)
		require.NoError(t, err)
		found, err := config.ParseReplicas(text, config.Options{})
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, openConfig(t, found[0].Source()), name)
	}
}

// Defect 31: what is percent-encoded is decoded, once.
func TestURLForms(t *testing.T) {
	for raw, want := range map[string]string{
		"file:///abs":                "/abs",
		"FILE:///abs/":               "/abs/",
		"file:///a%20b%2Fc%2520":     "/a b/c%20",
		"file:///a+b@c:d":            "/a+b@c:d",
		"file://localhost/abs":       "/abs",
		"file:/abs":                  "/abs",
		"file:rel/path":              "rel/path",
		"file:../rel":                "../rel",
		"file:///abs?write-once=off": "/abs",
	} {
		assert.Equal(t, filepath.FromSlash(want), openConfig(t, ltxstore.Source{URL: raw}).Path, raw)
	}
	for raw, says := range map[string]string{
		"file:":                    "has no path",
		"file://":                  "has no path",
		"file://rel/path":          "want file:///ABSOLUTE/PATH or file:RELATIVE/PATH",
		"file://me@localhost/path": "has a host before its path",
		"file:///%zz":              "followed by two hexadecimal digits",
		"file:///a%00b":            "want no NUL byte",
		"file:///a?bucket=b":       `unknown setting "bucket" in the URL (known: dir-mode`,
		"file:///a?dir-mode=0070":  `dir-mode in the URL is "0070"`,
		"file:///a?sweep-age=1ms":  `sweep-age in the URL is "1ms"`,
		"file:///a?must-exist=ja":  "want true or false",
	} {
		_, err := ltxstore.Open(t.Context(), raw)
		require.ErrorIs(t, err, fs.ErrInvalid, raw)
		assert.ErrorContains(t, err, says, raw)
	}
	_, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{Type: "file"})
	assert.ErrorContains(t, err, "want the replica's root directory")
}

// The layout of what is there is found, once.
func TestAutoLayout(t *testing.T) {
	for _, layout := range []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream, ltxstore.LayoutLitestreamS3} {
		for _, level := range []int{0, 4, ltxstore.SnapshotLevel} {
			dir := t.TempDir()
			keys, err := backend.NewKeys(layout, "")
			require.NoError(t, err)
			put(t, dir, keys.File(level, 1, 1), "x")
			raw := "file://" + filepath.ToSlash(dir)
			assert.Equal(t, layout, openConfig(t, ltxstore.Source{URL: raw + "?layout=auto"}).Layout)
			assert.Equal(t, layout, openConfig(t, ltxstore.Source{URL: raw, Layout: "auto"}).Layout)
			assert.Equal(t, ltxstore.LayoutDefault, openConfig(t, ltxstore.Source{URL: raw}).Layout)
			assert.Equal(t, ltxstore.LayoutLitestreamS3, openConfig(t, ltxstore.Source{URL: raw, Layout: "litestream-s3"}).Layout)
		}
	}
}

func TestAutoLayoutOfNothingAndOfTwo(t *testing.T) {
	dir := t.TempDir()
	raw := "file://" + filepath.ToSlash(dir) + "?layout=auto"
	assert.Equal(t, ltxstore.LayoutDefault, openConfig(t, ltxstore.Source{URL: raw}).Layout)
	assert.Equal(t, ltxstore.LayoutLitestream, openConfig(t, ltxstore.Source{URL: raw, Layout: "litestream"}).Layout)

	put(t, dir, "ltx/0/0000000000000001-0000000000000001.ltx", "x")
	put(t, dir, "0003/0000000000000001-0000000000000001.ltx", "x")
	_, err := ltxstore.Open(t.Context(), raw)
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "files in the layouts litestream and litestream-s3")

	_, err = ltxstore.Open(t.Context(), "file://"+filepath.ToSlash(dir)+"/none?layout=auto&must-exist=true")
	assert.ErrorIs(t, err, ltxstore.ErrStoreNotFound)
}

// A store that is not there takes nothing from the others.
func TestUnsupported(t *testing.T) {
	file, err := config.Parse([]byte("dbs:\n- {path: /a, replica: {type: abs, bucket: b, account-key: hush}}\n- {path: /b, replica: {url: 'OSS://b/x'}}\n- {path: /c, replica: {path: /r}}\n"), config.Options{})
	require.NoError(t, err)
	require.Len(t, file.DBs, 3)
	for i, scheme := range []string{"abs", "oss"} {
		r := file.DBs[i].Replicas[0]
		require.ErrorIs(t, r.Unsupported(), fs.ErrInvalid)
		assert.ErrorContains(t, r.Unsupported(), "replicas of type \""+scheme+"\" are not supported: known are file")
		assert.ErrorContains(t, r.Unsupported(), "line ")
		_, err := r.Open(t.Context())
		assert.Equal(t, r.Unsupported(), err)
		assert.Equal(t, scheme, r.Type())
		assert.NotContains(t, r.String(), "hush")
	}
	good := file.DBs[2].Replicas[0]
	require.NoError(t, good.Unsupported())
	_, err = good.Open(t.Context())
	assert.NoError(t, err)
}
