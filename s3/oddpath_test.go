package s3_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/oddpath"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
)

func TestOddPaths(t *testing.T) {
	f, err := newFake(s3.Config{}, s3fake.Options{}, false)
	require.NoError(t, err)
	defer f.close()
	oddpath.Check(t, 6<<20, func(path string) ltxstore.ReplicaClient {
		return f.client(func(cfg *s3.Config) { cfg.Path, cfg.Transfer.PartSize = path, 5<<20 })
	})
}
