package checksum

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	_ "github.com/ltxstore/ltxstore/mock"
)

func TestURLAndFileAgree(t *testing.T) {
	configOf := func(client ltxstore.ReplicaClient) Config {
		opened, err := client.(*Client).Begin(t.Context(), "init", nil)
		require.NoError(t, err)
		return opened.cfg
	}
	wraptest.Settings(t, wrapper, configOf, new(Config{}), map[[2]string]Config{
		{"read-back", "true"}:    {ReadBack: true},
		{"other-bodies", "true"}: {OtherBodies: true},
	})
}
