package readonly_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/wrap/readonly"
)

func TestOpen(t *testing.T) {
	for query, want := range map[string]bool{"": false, "?readonly=true": true, "?readonly.enabled=1": true, "?readonly=false": false} {
		client, err := ltxstore.Open(t.Context(), "mem://"+query)
		require.NoError(t, err)
		_, wrapped := client.(*readonly.Client)
		assert.Equal(t, want, wrapped, query)
	}
	for text, want := range map[string]bool{"{type: mem, readonly: true}": true, "{type: mem, readonly: {}}": true, "{type: mem, readonly: off}": false} {
		found, err := config.ParseReplicas([]byte(text), config.Options{})
		require.NoError(t, err)
		client, err := found[0].Open(t.Context())
		require.NoError(t, err)
		_, wrapped := client.(*readonly.Client)
		assert.Equal(t, want, wrapped, text)
	}
	_, err := ltxstore.Open(t.Context(), "mem://?readonly=ja")
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, `readonly in the URL is "ja": want true or false`)
}
