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

// database is a database that is replicated.
type database struct {
	DB
	*replicas
	engine *engine.DB

	locations []string // of the replicas

	foreign bool // the file was not a database when it was opened

	lock *os.File    // or nil
	file fs.FileInfo // of the file that the engine has opened; nil until it exists

	mu      sync.Mutex
	check   Check  // the last one
	window  Window // as last determined
	lacking string // why replicas differ
}

// openDatabase opens the replicas of a database, restores it if configured and
// missing, and prepares it for the engine. With once, the caller replicates it.
func openDatabase(ctx context.Context, cfg DB, once bool, logger *slog.Logger) (*database, error) {
	logger = logger.With("db", filepath.Base(cfg.Path))
	if cfg.wrong != nil {
		return nil, fmt.Errorf("database %s: %w", cfg.Path, cfg.wrong)
	}
	found, err := openReplicas(ctx, cfg.Replicas, logger)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", cfg.Path, err)
	}
	for _, replica := range found.each {
		litestream.LikeDatabase(cfg.Path, replica)
	}
	d := &database{DB: cfg, replicas: found}
	for _, r := range cfg.Replicas {
		d.locations = append(d.locations, r.Locations()...)
	}
	if cfg.Restore {
		err = d.restore(ctx, logger)
	}
	db := engine.NewDB(cfg.Path)
	if cfg.MetaPath != "" {
		db.SetMetaPath(cfg.MetaPath)
	}
	if err == nil {
		err = d.examine()
	}
	if err == nil {
		d.lock, err = lock(cfg.Path, db.MetaPath())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", cfg.Path, err), d.close())
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
	d.replaced()
	return d, nil
}

// examine examines the file before the engine opens it. The engine would wait for the
// writer of a pipe, and try a directory again and again.
func (d *database) examine() error {
	info, err := os.Stat(d.Path)
	switch {
	case err != nil: // it may come later, and the engine says what else is wrong
	case info.IsDir():
		return errors.New("it is a directory: want a file, or dir for a directory of databases")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file: want a database")
	default:
		d.foreign = info.Size() > 0 && !isSQLite(d.Path)
	}
	return nil
}

// replaced reports whether another file has taken the database's path, for example
// by a restore. The engine would continue with the old file.
func (d *database) replaced() bool {
	now, err := os.Stat(d.Path)
	if err != nil {
		return false
	}
	if d.file == nil {
		d.file = now
	}
	return !os.SameFile(d.file, now)
}

// restore restores the database if it does not exist. An empty replica is not an
// error: this is the first start.
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

// restoreV03 restores from the first replica with files of Litestream v0.3. If
// there is none, the error is fs.ErrNotExist.
func (d *database) restoreV03(ctx context.Context, logger *slog.Logger) error {
	for _, replica := range d.each {
		generations, err := v03.Generations(ctx, replica)
		if errors.Is(err, errors.ErrUnsupported) || err == nil && len(generations) == 0 {
			continue
		}
		if err == nil {
			_, err = v03.Restore(ctx, replica, d.Path, v03.RestoreConfig{})
		}
		if err != nil {
			return fmt.Errorf("restore from a replica of Litestream v0.3: %w", err)
		}
		logger.Info("database restored from a replica of Litestream v0.3", "path", d.Path, "replica", replica.place)
		return nil
	}
	return fs.ErrNotExist
}

// close closes the replicas and unlocks the database for other processes.
func (d *database) close() error {
	err := d.replicas.close()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

// exists reports whether the database's file exists.
func (d *database) exists() bool {
	_, err := os.Stat(d.Path)
	return err == nil
}

// gone reports whether a file is missing. A file that cannot be examined is not.
func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
