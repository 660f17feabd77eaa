package verify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/mock"
	_ "github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/wrap/internal/wraptest"
)

func TestURLAndFileAgree(t *testing.T) {
	configOf := func(client ltxstore.ReplicaClient) Config { return client.(*Client).cfg }
	wraptest.Settings(t, table(), configOf, new(Config{}), map[[2]string]Config{
		{"read-back", "true"}:    {ReadBack: true},
		{"other-bodies", "true"}: {OtherBodies: true},
	})
}

// The setting "verify" of s3 is the backend's; the wrapper is reached by any of
// its own.
func TestBesideTheBackendsSetting(t *testing.T) {
	client, err := ltxstore.Open(t.Context(), "s3://bucket/db?verify=head&verify.enabled=true")
	require.NoError(t, err)
	require.IsType(t, &Client{}, client)
	client, err = ltxstore.Open(t.Context(), "s3://bucket/db?verify=head")
	require.NoError(t, err)
	require.NotEqual(t, &Client{}, client)
}
