package nats

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A listing leaves neither a subscription nor a consumer, whether it finds objects or not.
func TestListingLeavesNothing(t *testing.T) {
	b, js, store := open(t)
	for n, key := range []string{"", "a", "b"} {
		if key != "" {
			_, err := store.PutBytes(t.Context(), key, []byte("LTX1"))
			require.NoError(t, err)
		}
		found, err := b.below(t.Context(), "")
		require.NoError(t, err)
		assert.Len(t, found, n)
	}
	assert.Equal(t, 1, b.ready.Load().nc.NumSubscriptions(), "that of all answers")
	info, err := js.Stream(t.Context(), b.stream)
	require.NoError(t, err)
	assert.Zero(t, info.CachedInfo().State.Consumers)
}
