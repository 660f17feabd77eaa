package gcs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/oddpath"
)

func TestOddPaths(t *testing.T) {
	f, err := newFake(gcs.Config{}, gcsfake.Options{}, false)
	require.NoError(t, err)
	defer f.close()
	oddpath.Check(t, 3*fakeChunk, func(path string) ltxstore.ReplicaClient {
		return f.client(func(cfg *gcs.Config) { cfg.Path = path })
	})
}
