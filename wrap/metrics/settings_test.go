package metrics

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/mock"
)

// A URL has its metrics on the default registry, however often.
func TestOpen(t *testing.T) {
	for range 2 {
		client, err := ltxstore.Open(t.Context(), "mem://?metrics=true")
		require.NoError(t, err)
		client.(*Client).Unwrap().(ltxstore.LoggerSetter).SetLogger(nil)
		require.NoError(t, client.DeleteAll(t.Context()))
	}
	n, err := testutil.GatherAndCount(prometheus.DefaultGatherer, totalName)
	require.NoError(t, err)
	assert.Equal(t, 4, n)

	client, err := ltxstore.Open(t.Context(), "mem://?metrics=false")
	require.NoError(t, err)
	assert.NotEqual(t, &Client{}, client)
	_, err = ltxstore.Open(t.Context(), "mem://?metrics.registry=mine")
	assert.ErrorContains(t, err, `unknown setting "metrics.registry" in the URL`)
}
