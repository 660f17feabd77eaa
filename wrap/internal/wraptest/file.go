package wraptest

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func fileStore() (replicatest.Store, error) {
	disk, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return replicatest.Store{}, err
	}
	root := filepath.Join(disk, filepath.FromSlash(replicaPath))
	open := func(change func(*file.Config)) (ltxstore.ReplicaClient, error) {
		cfg := file.Config{Path: root, Logger: slog.New(slog.DiscardHandler)}
		change(&cfg)
		return file.NewReplicaClient(cfg), nil
	}
	further := func(change func(*file.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return open(change) }
	}
	at := func(key string) string { return filepath.Join(root, filepath.FromSlash(key)) }
	client, err := open(func(*file.Config) {})
	return replicatest.Store{
		Client:  client,
		Another: further(func(*file.Config) {}),
		Once:    further(func(cfg *file.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *file.Config) { cfg.Path += suffix })
		},
		Parent:  further(func(cfg *file.Config) { cfg.Path = filepath.Dir(cfg.Path) }),
		Missing: further(func(cfg *file.Config) { cfg.Path, cfg.MustExist = filepath.Join(disk, "nowhere"), true }),
		Raw: &replicatest.Raw{
			Keys: layoutKeys(),
			Put: func(_ context.Context, key string, body []byte) error {
				return errors.Join(os.MkdirAll(filepath.Dir(at(key)), 0o755), os.WriteFile(at(key), body, 0o644))
			},
			List:  func(context.Context) ([]string, error) { return treeOf(root) },
			Strip: func(_ context.Context, key string) error { return os.Chtimes(at(key), time.Now(), time.Now()) },
		},
		Close: func() error { return os.RemoveAll(disk) },
	}, err
}

// treeOf returns what replicatest.Raw.List wants of a directory.
func treeOf(root string) (names []string, err error) {
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
