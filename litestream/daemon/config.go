package daemon

import (
	"os"
	"time"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/config"
)

// Config says what a daemon does. Parse reads it from a litestream.yml, with
// Litestream's defaults. Durations are more than 0 where nothing else is said.
type Config struct {
	// Addr is where metrics, health and the status page are served, "host:port" or
	// ":port". Empty is nowhere.
	Addr string

	// Exec is a command to run as long as the daemon does, with its arguments.
	// Empty is none.
	Exec string

	// Socket is where Litestream's own command controls the daemon.
	Socket Socket

	// Log says what is logged, and how.
	Log Log

	// Levels are the intervals at which levels 1, 2, … are compacted from the
	// level below.
	Levels []time.Duration

	// SnapshotInterval is how often a full snapshot is written,
	// SnapshotRetention how long it is kept, with what continues it.
	SnapshotInterval, SnapshotRetention time.Duration

	// L0Retention is how long a file of level 0 is kept after it went into level
	// 1, 0 not at all; L0RetentionCheck how often that is looked at.
	L0Retention, L0RetentionCheck time.Duration

	// Retention deletes files that are no longer needed from the replicas. Without it
	// the store has to.
	Retention bool

	// VerifyCompaction looks for gaps after each compaction.
	VerifyCompaction bool

	// HeartbeatURL is asked with GET each HeartbeatInterval while all databases
	// are replicated. Empty is never.
	HeartbeatURL      string
	HeartbeatInterval time.Duration

	// ValidationInterval is how often each replica is checked; 0 is never.
	// ValidationRead reads and checks every file, which costs as much as a
	// download of the replica: without it, what can be restored is found from
	// listings.
	ValidationInterval time.Duration
	ValidationRead     bool

	// ShutdownTimeout bounds the stopping in all. ShutdownSyncTimeout is for how
	// long a last sync that fails is repeated, each ShutdownSyncInterval; 0 is not at all.
	ShutdownTimeout, ShutdownSyncTimeout, ShutdownSyncInterval time.Duration

	// DBs are the databases, and directories of them.
	DBs []DB

	// settings are those of the file's top level, to tell what a reload cannot change.
	settings []config.Setting
}

// Socket is the Unix socket of Litestream's control commands.
type Socket struct {
	Enabled     bool
	Path        string
	Permissions os.FileMode
}

// DB is a database, or a directory of them, and its replicas.
type DB struct {
	// Path is a database's file. Dir is a directory of databases whose names match
	// Pattern (filepath.Match), also in folders below it if Recursive, and those that
	// appear and disappear if Watch. One of Path and Dir is set.
	Path, Dir, Pattern string
	Recursive, Watch   bool

	// MetaPath is where the engine keeps its local copies of the newest files;
	// empty is a hidden directory beside the database. MetaDir is the directory of
	// those of a Dir.
	MetaPath, MetaDir string

	MonitorInterval, CheckpointInterval, BusyTimeout time.Duration
	MinCheckpointPages, TruncatePages                int
	MaxSyncWALBytes                                  int64

	// Restore restores a database that does not exist before it is replicated, if
	// the replica has one.
	Restore bool

	Sync Sync

	// Replicas are where the database goes: to all of them, if there are several.
	// Those of a Dir are for config.Replica.Sub.
	Replicas []config.Replica

	of string // the Dir that it was found in
}

// Sync says how a database's replicas are kept up to date.
type Sync struct {
	// Interval is how often committed transactions are replicated.
	Interval time.Duration

	// MaxFiles is how many files are sent before others may work on the replica; 0
	// is all there are.
	MaxFiles int

	// AutoRecover starts anew from a snapshot when the engine's local copies of the newest
	// files are missing or damaged.
	AutoRecover bool
}

// name is how messages call it.
func (db DB) name() string {
	if db.Dir != "" {
		return db.Dir
	}
	return db.Path
}

// defaultConfig has the engine's defaults.
func defaultConfig() *Config {
	return &Config{
		Socket:               Socket{Path: engine.DefaultSocketConfig().Path, Permissions: 0o600},
		Log:                  Log{Level: "info", Type: "text"},
		SnapshotInterval:     engine.DefaultSnapshotInterval,
		SnapshotRetention:    engine.DefaultSnapshotRetention,
		L0Retention:          engine.DefaultL0Retention,
		L0RetentionCheck:     engine.DefaultL0RetentionCheckInterval,
		Retention:            true,
		HeartbeatInterval:    engine.DefaultHeartbeatInterval,
		ShutdownTimeout:      30 * time.Second,
		ShutdownSyncTimeout:  engine.DefaultShutdownSyncTimeout,
		ShutdownSyncInterval: engine.DefaultShutdownSyncInterval,
	}
}

func defaultDB() DB {
	return DB{
		MonitorInterval:    engine.DefaultMonitorInterval,
		CheckpointInterval: engine.DefaultCheckpointInterval,
		BusyTimeout:        engine.DefaultBusyTimeout,
		MinCheckpointPages: engine.DefaultMinCheckpointPageN,
		TruncatePages:      engine.DefaultTruncatePageN,
		MaxSyncWALBytes:    engine.DefaultMaxSyncWALBytes,
		Sync:               Sync{Interval: engine.DefaultSyncInterval},
	}
}
