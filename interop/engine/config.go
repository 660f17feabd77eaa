package engine

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore"
	adapter "github.com/ltxstore/ltxstore/litestream"
)

// Config configures the replication of a database. Zero durations mean
// Litestream's defaults.
type Config struct {
	// DB is the path of an existing SQLite database.
	DB string

	// Client is the replica. Its logger is set to Logger.
	Client ltxstore.ReplicaClient

	// MetaDir is the directory for the engine's local copies of the newest
	// files. Empty means Litestream's default, a hidden directory next to the
	// database. It is used for only one pair of database and replica.
	MetaDir string

	// Levels are the intervals at which levels 1, 2, … are compacted from
	// the level below. Nil is Litestream's three levels.
	Levels []time.Duration

	// SnapshotInterval is how often a full snapshot is written, to level 9;
	// SnapshotRetention how long snapshots, and the levels from 1 up that
	// they make superfluous, are kept.
	SnapshotInterval, SnapshotRetention time.Duration

	// L0Retention is how long a file of level 0 is kept after it went into
	// level 1; L0RetentionCheck how often that is looked at. As long as all of
	// level 0 is there, a restore is exact to the sync; after that, to the
	// compaction.
	L0Retention, L0RetentionCheck time.Duration

	// SyncInterval is how often committed transactions are replicated.
	SyncInterval time.Duration

	// Logger is the engine's logger. Nil discards the log.
	Logger *slog.Logger
}

func (c Config) validate() error {
	switch {
	case c.DB == "":
		return fmt.Errorf("engine: Config.DB is empty: want a database's path: %w", fs.ErrInvalid)
	case strings.ContainsAny(c.DB, "?#%"):
		// Litestream puts the path into a SQLite URI without escaping it: SQLite
		// would silently open another file.
		return fmt.Errorf("engine: Config.DB is %q: want a path without ?, # and %%, which the engine cannot open: %w", c.DB, fs.ErrInvalid)
	case c.Client == nil:
		return fmt.Errorf("engine: Config.Client is nil: want a replica client: %w", fs.ErrInvalid)
	}
	for i, interval := range c.Levels {
		if interval <= 0 {
			return fmt.Errorf("engine: Config.Levels[%d] is %v: want more than 0: %w", i, interval, fs.ErrInvalid)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"SnapshotInterval", c.SnapshotInterval},
		{"SnapshotRetention", c.SnapshotRetention},
		{"L0Retention", c.L0Retention},
		{"L0RetentionCheck", c.L0RetentionCheck},
		{"SyncInterval", c.SyncInterval},
	} {
		if d.value < 0 {
			return fmt.Errorf("engine: Config.%s is %v: want 0 (default) or more: %w", d.name, d.value, fs.ErrInvalid)
		}
	}
	return nil
}

func (c Config) build() (*litestream.Store, *litestream.DB) {
	logger := orSilent(c.Logger)

	db := litestream.NewDB(filepath.Clean(c.DB))
	if c.MetaDir != "" {
		db.SetMetaPath(c.MetaDir)
	}
	db.Replica = adapter.Replica(db, c.Client)
	override(&db.MonitorInterval, c.SyncInterval)
	override(&db.Replica.SyncInterval, c.SyncInterval)

	store := litestream.NewStore([]*litestream.DB{db}, c.levels())
	store.Logger = logger
	db.SetLogger(logger)
	override(&store.SnapshotInterval, c.SnapshotInterval)
	override(&store.SnapshotRetention, c.SnapshotRetention)
	override(&store.L0RetentionCheckInterval, c.L0RetentionCheck)
	if c.L0Retention > 0 {
		store.SetL0Retention(c.L0Retention)
	}
	return store, db
}

func (c Config) levels() litestream.CompactionLevels {
	if c.Levels == nil {
		return litestream.DefaultCompactionLevels
	}
	levels := litestream.CompactionLevels{{Level: 0}}
	for i, interval := range c.Levels {
		levels = append(levels, &litestream.CompactionLevel{Level: i + 1, Interval: interval})
	}
	return levels
}

func override(field *time.Duration, value time.Duration) {
	if value > 0 {
		*field = value
	}
}

func orSilent(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}
