package daemon

import (
	"os"
	"time"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/config"
)

// Config is the configuration of a daemon. Parse reads it from a litestream.yml,
// with Litestream's defaults. Durations must be more than 0 unless stated
// otherwise.
type Config struct {
	// Addr is the address at which metrics, health and the status page are served:
	// "host:port" or ":port". If it is empty, they are not served.
	Addr string

	// Exec is a command with arguments that runs as long as the daemon. Empty means
	// none.
	Exec string

	// Socket is where Litestream's own command controls the daemon.
	Socket Socket

	// Log is what is logged, and its format.
	Log Log

	// Levels are the intervals at which levels 1, 2, … are compacted from the
	// level below.
	Levels []time.Duration

	// SnapshotInterval is how often a full snapshot is written, and
	// SnapshotRetention how long it is kept, with the files that continue it.
	SnapshotInterval, SnapshotRetention time.Duration

	// L0Retention is how long a file of level 0 is kept after its compaction into
	// level 1; it may be 0. L0RetentionCheck is how often expired files are deleted.
	L0Retention, L0RetentionCheck time.Duration

	// Retention deletes files from the replicas that are no longer needed. Without
	// it, the store must delete them.
	Retention bool

	// VerifyCompaction looks for gaps after each compaction.
	VerifyCompaction bool

	// HeartbeatURL is requested with GET every HeartbeatInterval while all
	// databases are replicated. Empty means never.
	HeartbeatURL      string
	HeartbeatInterval time.Duration

	// ValidationInterval is how often each replica is checked; 0 means never.
	// ValidationRead reads and checks every file, which costs a download of the
	// replica; without it, only listings are checked.
	ValidationInterval time.Duration
	ValidationRead     bool

	// ShutdownTimeout limits how long stopping takes. ShutdownSyncTimeout is how
	// long a failing last sync is repeated, every ShutdownSyncInterval; 0 means not
	// at all.
	ShutdownTimeout, ShutdownSyncTimeout, ShutdownSyncInterval time.Duration

	// DBs are the databases and directories of databases.
	DBs []DB

	// settings are those at the file's top level, for a reload to find those that it
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
	// Pattern (filepath.Match). With Recursive, it includes those in folders below
	// it. With Watch, databases may appear and disappear. Either Path or Dir is set.
	Path, Dir, Pattern string
	Recursive, Watch   bool

	// MetaPath is where the engine keeps its local copies of the newest files;
	// empty means a hidden directory next to the database. MetaDir is the directory
	// for the copies of all databases of a Dir.
	MetaPath, MetaDir string

	MonitorInterval, CheckpointInterval, BusyTimeout time.Duration
	MinCheckpointPages, TruncatePages                int
	MaxSyncWALBytes                                  int64

	// Restore restores a database that does not exist from its replica before it is
	// replicated.
	Restore bool

	Sync Sync

	// Replicas are the replicas of the database. Those of a Dir need
	// config.Replica.Sub for each database.
	Replicas []config.Replica

	of    string // the Dir of a database that was found in one
	wrong error  // why it cannot be replicated
}

// Sync is how the replicas of a database are kept up to date.
type Sync struct {
	// Interval is how often committed transactions are replicated.
	Interval time.Duration

	// MaxFiles is how many files are sent before other operations may use the
	// replica; 0 means all.
	MaxFiles int

	// AutoRecover starts over from a snapshot if the engine's local copies of the
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
