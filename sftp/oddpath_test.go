package sftp

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/oddpath"
)

func TestOddPaths(t *testing.T) {
	s := start(t)
	oddpath.Check(t, 100, func(path string) ltxstore.ReplicaClient {
		return s.client(func(cfg *Config) { cfg.Path = path })
	})
}
