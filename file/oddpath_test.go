package file

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/oddpath"
)

func TestOddPaths(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows allows none of these characters in names")
	}
	dir := t.TempDir()
	oddpath.Check(t, 100, func(path string) ltxstore.ReplicaClient {
		return NewReplicaClient(Config{Path: filepath.Join(dir, path)})
	})
}
