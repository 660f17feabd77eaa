// Package dirstore makes replicas in a local directory for the conformance suite.
package dirstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// Raw returns access to the files of the replica at root, without Leave.
func Raw(root string, keys backend.Keys) *replicatest.Raw {
	at := func(key string) string { return filepath.Join(root, filepath.FromSlash(key)) }
	return &replicatest.Raw{
		Keys: keys,
		Put: func(_ context.Context, key string, body []byte) error {
			return errors.Join(os.MkdirAll(filepath.Dir(at(key)), 0o755), os.WriteFile(at(key), body, 0o644))
		},
		List:  func(context.Context) ([]string, error) { return list(root) },
		Strip: func(_ context.Context, key string) error { return os.Chtimes(at(key), time.Now(), time.Now()) },
	}
}

// list returns the files below root, and the empty directories with a slash.
func list(root string) (names []string, err error) {
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if rel = filepath.ToSlash(rel); !entry.IsDir() {
			names = append(names, rel)
		} else if inside, readErr := os.ReadDir(name); readErr == nil && len(inside) == 0 {
			names = append(names, rel+"/")
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return names, err
}
