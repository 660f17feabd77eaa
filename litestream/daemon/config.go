package daemon

import (
	"os"
	"time"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/config"
)

// Config is the configuration of a daemon. Parse reads it from a litestream.yml,
// with Litestream's defaults. Durations are more than 0 unless stated otherwise.
type Config struct {
	// Addr is the address at which metrics, health and the status page are served:
	// "host:port" or ":port". Empty means that they are not served.
	Addr string

	// Exec is a command with arguments that runs as long as the daemon does. Empty
	// means none.
	Exec string

	// Socket is the socket by which Litestream's own command controls the daemon.
	Socket Socket

	// Log selects what is logged, and its format.
	Log Log

	// Levels are the intervals at which levels 1, 2, … are compacted from the
	// level below.
	Levels []time.Duration

	// SnapshotInterval is how often a full snapshot is written,
	// SnapshotRetention how long it is kept, with what continues it.
	SnapshotInterval, SnapshotRetention time.Duration

	// L0Retention is how long a file of level 0 is kept after it was compacted into
	// level 1; 0 means not at all. L0RetentionCheck is how often expired files are
	// deleted.
	L0Retention, L0RetentionCheck time.Duration

	// Retention deletes files from the replicas that are no longer needed. Without
	// it the store has to delete them.
	Retention bool

	// VerifyCompaction looks for gaps after each compaction.
	VerifyCompaction bool

	// HeartbeatURL is requested with GET every HeartbeatInterval while all
	// databases are replicated. Empty means never.
	HeartbeatURL      string
	HeartbeatInterval time.Duration

	// ValidationInterval is how often each replica is checked; 0 means never.
	// ValidationRead reads and checks every file, which costs as much as a download
	// of the replica: without it, listings alone show what can be restored.
	ValidationInterval time.Duration
	ValidationRead     bool

	// ShutdownTimeout bounds the whole of stopping. ShutdownSyncTimeout is how long
	// a failing last sync is repeated, every ShutdownSyncInterval; 0 means not at
	// all.
	ShutdownTimeout, ShutdownSyncTimeout, ShutdownSyncInterval time.Duration

	// DBs are the databases, and directories of them.
	DBs []DB

	// Warnings are about replicas that are hardly where the author of the file meant
	// them to be. They are for a person to read, and change nothing.
	Warnings []config.Warning

	// settings are those of the file's top level, by which a reload finds what it
	// cannot change.
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
	// empty means a hidden directory next to the database. MetaDir is the directory
	// for those of a Dir.
	MetaPath, MetaDir string

	MonitorInterval, CheckpointInterval, BusyTimeout time.Duration
	MinCheckpointPages, TruncatePages                int
	MaxSyncWALBytes                                  int64

	// Restore restores a database that does not exist before it is replicated, if
	// the replica has one.
	Restore bool

	Sync Sync

	// Replicas are the replicas of the database. Those of a Dir need
	// config.Replica.Sub for each database.
	Replicas []config.Replica

	of string // the Dir that it was found in
}

// Sync sets how a database's replicas are kept up to date.
type Sync struct {
	// Interval is how often committed transactions are replicated.
	Interval time.Duration

	// MaxFiles is how many files are sent before others may use the replica; 0
	// means all.
	MaxFiles int

	// AutoRecover starts again from a snapshot if the engine's local copies of the
	// newest files are missing or damaged.
	AutoRecover bool
}

// name returns the name for messages.
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
