package trace

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/mock"
)

func TestOpen(t *testing.T) {
	client, err := ltxstore.Open(t.Context(), "mem://?trace=true")
	require.NoError(t, err)
	traced, ok := client.(*Client)
	require.True(t, ok)
	traced.Unwrap().(ltxstore.LoggerSetter).SetLogger(nil)
	assert.NoError(t, client.DeleteAll(t.Context()))

	client, err = ltxstore.Open(t.Context(), "mem://?trace=false")
	require.NoError(t, err)
	_, ok = client.(*Client)
	assert.False(t, ok)
	_, err = ltxstore.Open(t.Context(), "mem://?trace.provider=mine")
	assert.ErrorContains(t, err, `unknown setting "trace.provider" in the URL`)
}
