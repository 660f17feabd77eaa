package nats_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// A seed that is wrong is refused before anything is sent.
func TestOpenWithAWrongSeed(t *testing.T) {
	_, err := ltxstore.Open(t.Context(), "nats://127.0.0.1:1/bucket?jwt=x&seed=SUx")
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "seed")
	require.NotContains(t, err.Error(), "SUx")
}

// A URL needs a bucket.
func TestOpenWithoutABucket(t *testing.T) {
	for _, url := range []string{"nats://127.0.0.1:1", "nats://127.0.0.1:1/"} {
		_, err := ltxstore.Open(t.Context(), url)
		require.ErrorContains(t, err, "nats://HOST:PORT/BUCKET/PATH")
	}
}
