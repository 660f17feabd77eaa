package cache_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/wrap/cache"
)

// What another client does is seen when what is kept has expired: TestListingTTL
// and TestOthersRewrite.
func TestConformance(t *testing.T) {
	changes := map[string]string{"all/several-clients": "another client's file is listed after Config.TTL"}
	inMemory := func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return cache.New(next, cache.Config{}) }
	wraptest.Run(t, wraptest.Suite{Wrap: inMemory, Changes: changes, On: []wraptest.Ground{wraptest.Mock(), wraptest.S3()}})

	// A disk under it, and one for the blocks, of which few fit.
	dirs := t.TempDir()
	onDisk := func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		dir, err := os.MkdirTemp(dirs, "")
		require.NoError(t, err)
		return cache.New(next, cache.Config{Dir: dir, BlockSize: 4 << 10, Size: 20 << 10})
	}
	wraptest.Run(t, wraptest.Suite{Wrap: onDisk, Changes: changes, On: []wraptest.Ground{wraptest.File()}})
}
