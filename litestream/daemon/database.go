package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/v03"
)

// database is one database that is replicated.
type database struct {
	DB
	*replicas
	engine *engine.DB

	mu     sync.Mutex
	check  Check  // the last one
	window Window // as it was last found out
}

// openDatabase opens the replicas of a database, restores it if it is to be and is
// not there, and prepares it for the engine. once leaves it to the caller to
// replicate.
func openDatabase(ctx context.Context, cfg DB, once bool, logger *slog.Logger) (*database, error) {
	logger = logger.With("db", filepath.Base(cfg.Path))
	found, err := openReplicas(ctx, cfg.Replicas, logger)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", cfg.Path, err)
	}
	for _, replica := range found.each {
		litestream.LikeDatabase(cfg.Path, replica)
	}
	d := &database{DB: cfg, replicas: found}
	if cfg.Restore {
		if err := d.restore(ctx, logger); err != nil {
			return nil, errors.Join(fmt.Errorf("database %s: %w", cfg.Path, err), found.close())
		}
	}

	db := engine.NewDB(cfg.Path)
	if cfg.MetaPath != "" {
		db.SetMetaPath(cfg.MetaPath)
	}
	db.MonitorInterval = cfg.MonitorInterval
	db.CheckpointInterval = cfg.CheckpointInterval
	db.BusyTimeout = cfg.BusyTimeout
	db.MinCheckpointPageN = cfg.MinCheckpointPages
	db.TruncatePageN = cfg.TruncatePages
	db.MaxSyncWALBytes = cfg.MaxSyncWALBytes
	db.Replica = litestream.Replica(db, found.all)
	db.Replica.SyncInterval = cfg.Sync.Interval
	db.Replica.MaxSyncLTXFiles = cfg.Sync.MaxFiles
	db.Replica.AutoRecoverEnabled = cfg.Sync.AutoRecover
	if once {
		db.MonitorInterval, db.Replica.MonitorEnabled = 0, false
	}
	d.engine = db
	return d, nil
}

// restore restores the database if it does not exist. An empty replica is that of a
// first start.
func (d *database) restore(ctx context.Context, logger *slog.Logger) error {
	switch _, err := os.Stat(d.Path); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o750); err != nil {
		return err
	}
	result, err := restore.Run(ctx, d.all, d.Path, restore.Config{})
	if errors.Is(err, fs.ErrNotExist) {
		if err = d.restoreV03(ctx, logger); err == nil {
			return nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		logger.Info("no replica to restore from", "path", d.Path)
		return nil
	case err != nil:
		return err
	}
	logger.Info("database restored", "path", d.Path, "txid", result.TXID.String())
	return nil
}

// restoreV03 restores what Litestream v0.3 has written to the first replica that has
// any. If none has, that is fs.ErrNotExist.
func (d *database) restoreV03(ctx context.Context, logger *slog.Logger) error {
	for _, replica := range d.each {
		_, err := v03.Restore(ctx, replica, d.Path, v03.RestoreConfig{})
		if err == nil {
			logger.Info("database restored from a replica of Litestream v0.3", "path", d.Path, "replica", replica.place)
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return fs.ErrNotExist
}

// exists reports whether the database's file is there.
func (d *database) exists() bool {
	_, err := os.Stat(d.Path)
	return err == nil
}
