package mock

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

func TestURLAndFileAgree(t *testing.T) {
	for query, given := range map[string]map[string]string{
		"":                                  nil,
		"?path=a/b&layout=litestream":       {"path": "a/b", "layout": "litestream"},
		"?writeOnce=true&page-size=7":       {"write-once": "true", "page-size": "7"},
		"?write-once=false&layout=default":  {"layout": "default"},
		"?layout=auto":                      {"layout": "auto"},
		"?layout=litestream-s3&page-size=0": {"layout": "litestream-s3"},
	} {
		fromURL, err := ltxstore.Open(t.Context(), "mem://"+query)
		require.NoError(t, err)
		fromFile, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{Type: "mem", Settings: given})
		require.NoError(t, err)
		assert.Equal(t, fromURL.(*ReplicaClient).memory.cfg, fromFile.(*ReplicaClient).memory.cfg, query)
	}
	client, err := ltxstore.Open(t.Context(), "mem://?path=p&layout=litestream&write-once=1&page-size=3")
	require.NoError(t, err)
	assert.Equal(t, Config{Path: "p", Layout: ltxstore.LayoutLitestream, WriteOnce: true, PageSize: 3}, client.(*ReplicaClient).memory.cfg)
}

func TestSettingsRefused(t *testing.T) {
	for raw, says := range map[string]string{
		"mem://name":         "want nothing between its scheme and its query",
		"mem:///path":        "want nothing between its scheme and its query",
		"mem://?page-siz=1":  "did you mean page-size?",
		"mem://?page-size=x": "want a whole number",
		"mem://?path=a/..":   `want no ".." segment`,
	} {
		_, err := ltxstore.Open(t.Context(), raw)
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, says)
	}
}
