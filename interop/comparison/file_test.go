package comparison_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	litestreamfile "github.com/benbjohnson/litestream/file"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// stockFile is Litestream's client of a disk. Its files are reached through the
// file system, as those of any.
func stockFile(t *testing.T) replicatest.Config {
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			dir, err := os.MkdirTemp(t.TempDir(), "store")
			return fileStore(dir, filepath.Join(dir, "db"), func(path string) ltxstore.ReplicaClient {
				return litestreamfile.NewReplicaClient(path)
			}), err
		},
		Lacks: []replicatest.Capability{
			replicatest.WriteOnce, replicatest.MissingStore, replicatest.CountedRequests, replicatest.Secrets, replicatest.FoundLevels, replicatest.RawFiles,
			replicatest.FailingLookups, replicatest.FailingLists, replicatest.FailingDeletes,
			replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.Outages,
		},
		PageSize: 50,
	}
}

// fileStore is a replica whose files are at path on this machine, whoever serves
// them.
func fileStore(root, path string, open func(path string) ltxstore.ReplicaClient) replicatest.Store {
	other := func(path string) (ltxstore.ReplicaClient, error) { return open(path), nil }
	keys, err := backend.NewKeys(ltxstore.LayoutLitestream, "")
	if err != nil {
		panic(err) // the layout is a constant
	}
	return replicatest.Store{
		Client:  open(path),
		Another: func() (ltxstore.ReplicaClient, error) { return other(path) },
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return other(path + suffix) },
		Parent:  func() (ltxstore.ReplicaClient, error) { return other(root) },
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				name := filepath.Join(path, filepath.FromSlash(key))
				return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, body, 0o600))
			},
			List: func(context.Context) ([]string, error) { return listTree(path) },
			Strip: func(_ context.Context, key string) error {
				now := time.Now()
				return os.Chtimes(filepath.Join(path, filepath.FromSlash(key)), now, now)
			},
			Leave: func(context.Context) error {
				name := filepath.Join(path, filepath.FromSlash(keys.File(0, 77, 77))) + ".tmp"
				return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte("LTX1"), 0o600))
			},
		},
		Close: func() error { return os.RemoveAll(root) },
	}
}

// listTree returns the files below dir, and the directories without any.
func listTree(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err != nil || key == "." {
			return err
		}
		key = filepath.ToSlash(key)
		if !entry.IsDir() {
			found = append(found, key)
			return nil
		}
		inside, err := os.ReadDir(path)
		if len(inside) == 0 {
			found = append(found, key+"/")
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return found, err
}
