package daemon

import (
	"errors"
	"fmt"
	"net"
	"slices"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/realpath"
)

// Parse reads a litestream.yml. Its error lists all problems of the file, one line
// each. Settings of Litestream that the daemon does not support are errors, too.
// Parse sends no request.
func Parse(data []byte, opts config.Options) (*Config, error) {
	file, err := config.Parse(data, opts)
	if file == nil {
		return nil, err
	}
	cfg := defaultConfig()
	cfg.settings = file.Daemon
	failed := []error{err, cfg.ofFile(file)}
	snapshots := []config.Setting{}
	for _, found := range file.DBs {
		db, err := parseDB(found)
		failed = append(failed, err)
		cfg.DBs = append(cfg.DBs, db)
		for _, s := range found.Daemon {
			if s.Key == "snapshot.interval" || s.Key == "snapshot.retention" {
				snapshots = append(snapshots, s)
			}
		}
	}
	failed = append(failed, cfg.ofDBs(file, snapshots), cfg.check(err == nil))
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return cfg, nil
}

// ofFile reads the settings at the file's top level.
func (cfg *Config) ofFile(file *config.File) error {
	var failed []error
	if len(file.Replicas) > 0 {
		failed = append(failed, errors.New("a replica at the top level has no database: put it below dbs"))
	}
	ofReplicas := new(Sync).table()
	own := slices.DeleteFunc(slices.Clone(file.Daemon), func(s config.Setting) bool {
		_, ok := ofReplicas[s.Key] // a default for the replicas
		return ok && s.Key != "retention"
	})
	failed = append(failed, table{
		"addr":                        text(&cfg.Addr),
		"exec":                        text(&cfg.Exec),
		"socket.enabled":              boolean(&cfg.Socket.Enabled),
		"socket.path":                 path(&cfg.Socket.Path),
		"socket.permissions":          permissions(&cfg.Socket.Permissions),
		"levels.#.interval":           appendPositive(&cfg.Levels),
		"snapshot.interval":           positive(&cfg.SnapshotInterval),
		"snapshot.retention":          positive(&cfg.SnapshotRetention),
		"validation.interval":         positive(&cfg.ValidationInterval),
		"validation.read":             boolean(&cfg.ValidationRead),
		"l0-retention":                atLeast(&cfg.L0Retention, 0),
		"l0-retention-check-interval": positive(&cfg.L0RetentionCheck),
		"retention.enabled":           boolean(&cfg.Retention),
		"retention":                   refused("want retention.enabled, or snapshot.retention"),
		"verify-compaction":           boolean(&cfg.VerifyCompaction),
		"heartbeat-url":               webURL(&cfg.HeartbeatURL),
		"heartbeat-interval":          atLeast(&cfg.HeartbeatInterval, engine.MinHeartbeatInterval),
		"logging.level":               logLevel(&cfg.Log.Level),
		"logging.type":                oneOf(&cfg.Log.Type, "text", "json", "pretty"),
		"logging.stderr":              boolean(&cfg.Log.Stderr),
		"logging.source":              boolean(&cfg.Log.Source),
		"shutdown-timeout":            positive(&cfg.ShutdownTimeout),
		"shutdown-sync-timeout":       atLeast(&cfg.ShutdownSyncTimeout, 0),
		"shutdown-sync-interval":      positive(&cfg.ShutdownSyncInterval),
		"mcp-addr":                    refused("the daemon has no MCP server: remove it"),
	}.read(own))
	if cfg.Levels == nil {
		for _, level := range engine.DefaultCompactionLevels[1:] {
			cfg.Levels = append(cfg.Levels, level.Interval)
		}
	}
	return errors.Join(failed...)
}

// ofDBs reads the snapshot settings of databases, which must be equal: the engine
// has only one.
func (cfg *Config) ofDBs(file *config.File, found []config.Setting) error {
	var failed []error
	first := make(map[string]config.Setting)
	for _, s := range found {
		if slices.ContainsFunc(file.Daemon, func(top config.Setting) bool { return top.Key == s.Key && top.Value != s.Value }) {
			failed = append(failed, s.Errorf("%s: %s differs from that at the top level: all databases have the same", s.Key, s.Value))
		} else if other, ok := first[s.Key]; ok && other.Value != s.Value {
			failed = append(failed, s.Errorf("%s: %s differs from that of another database, %s: all databases have the same", s.Key, s.Value, other.Value))
		}
		first[s.Key] = s
		failed = append(failed, table{
			"snapshot.interval":  positive(&cfg.SnapshotInterval),
			"snapshot.retention": positive(&cfg.SnapshotRetention),
		}.read([]config.Setting{s}))
	}
	return errors.Join(failed...)
}

// maxSocketPath is how many bytes the path of a Unix socket can have on Linux, and three more
// than elsewhere.
const maxSocketPath = 107

// check returns an error if settings contradict each other. all means that cfg.DBs
// is complete.
func (cfg *Config) check(all bool) error {
	var failed []error
	if all && len(cfg.DBs) == 0 && !cfg.Socket.Enabled {
		failed = append(failed, errors.New("no databases: want dbs"))
	}
	if len(cfg.Levels) >= engine.SnapshotLevel {
		failed = append(failed, fmt.Errorf("levels: %d are configured: want at most %d", len(cfg.Levels), engine.SnapshotLevel-1))
	}
	if cfg.Socket.Enabled && len(cfg.Socket.Path) > maxSocketPath {
		failed = append(failed, fmt.Errorf("socket.path: it has %d bytes: want at most %d, as a socket's name can have", len(cfg.Socket.Path), maxSocketPath))
	}
	if cfg.Addr != "" {
		if _, port, err := net.SplitHostPort(cfg.Addr); err != nil || port == "" {
			failed = append(failed, fmt.Errorf("addr: %w", bad(cfg.Addr, "host:port or :port, such as 127.0.0.1:9090")))
		}
	}
	if cfg.ValidationRead && cfg.ValidationInterval == 0 {
		failed = append(failed, errors.New("validation.read: want validation.interval too, such as 24h"))
	}
	seen, taken := make(map[string]bool), make(owners)
	for _, db := range cfg.DBs {
		if db.Path == "" { // the databases of a directory are known when it is opened
			continue
		}
		if file := realpath.Of(db.Path); seen[file] {
			failed = append(failed, fmt.Errorf("database %s is configured twice: want it once", db.Path))
		} else {
			seen[file] = true
			failed = append(failed, taken.take(db))
		}
	}
	return errors.Join(failed...)
}
