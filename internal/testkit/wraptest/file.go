package wraptest

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/internal/testkit/dirstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func fileStore() (replicatest.Store, error) {
	disk, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return replicatest.Store{}, err
	}
	root := filepath.Join(disk, filepath.FromSlash(replicaPath))
	open := func(change func(*file.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := file.Config{Path: root, Logger: slog.New(slog.DiscardHandler)}
			change(&cfg)
			return file.NewReplicaClient(cfg), nil
		}
	}
	another := open(func(*file.Config) {})
	client, err := another()
	return replicatest.Store{
		Client:  client,
		Another: another,
		Once:    open(func(cfg *file.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *file.Config) { cfg.Path += suffix })()
		},
		Parent:  open(func(cfg *file.Config) { cfg.Path = filepath.Dir(cfg.Path) }),
		Missing: open(func(cfg *file.Config) { cfg.Path, cfg.MustExist = filepath.Join(disk, "nowhere"), true }),
		Raw:     dirstore.Raw(root, layoutKeys()),
		Close:   func() error { return os.RemoveAll(disk) },
	}, err
}
