package daemon

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	engine "github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/internal/realpath"
)

// Options are options for Open. The zero value is the default.
type Options struct {
	// Once disables replication in the background: see Daemon.Sync.
	Once bool

	// Version is the daemon's version as shown by the control socket.
	Version string

	// Logger is used for all logs. Nil means slog.Default.
	Logger *slog.Logger

	// Done, when closed, stops repeating a failing last sync. It may be nil.
	Done <-chan struct{}
}

// Daemon replicates databases until Close. Its methods are safe for concurrent
// use.
type Daemon struct {
	opts    Options
	log     *slog.Logger
	store   *engine.Store
	socket  *engine.Server
	web     *http.Server
	addr    net.Addr
	started time.Time
	metrics *validationMetrics
	page    *template.Template

	cancel context.CancelFunc // stops the background goroutines
	wg     sync.WaitGroup
	served chan struct{} // closed when web has ended

	change chan struct{} // has one while databases are added or removed
	mu     sync.Mutex
	cfg    *Config
	dbs    map[string]*database // by path
	failed map[string]failure   // databases and directories that should be replicated, by path
}

// Open opens the databases of cfg and their stores, starts to replicate them, and
// returns. A database whose file does not exist yet is replicated once it does. ctx
// applies to Open only.
func Open(ctx context.Context, cfg *Config, opts Options) (_ *Daemon, err error) {
	d := &Daemon{cfg: cfg, opts: opts, log: opts.Logger, started: time.Now(), dbs: make(map[string]*database),
		failed: make(map[string]failure), change: make(chan struct{}, 1), page: newPage(), cancel: func() {}}
	if d.log == nil {
		d.log = slog.Default()
	}
	if d.metrics, err = newValidationMetrics(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.abandon())
		}
	}()
	dbs, err := cfg.databases(d.has)
	if err != nil {
		return nil, err
	}
	if err := distinct(dbs); err != nil {
		return nil, err
	}
	var engines []*engine.DB
	for _, db := range dbs {
		opened, err := openDatabase(ctx, db, opts.Once, d.log)
		if err != nil {
			return nil, err
		}
		d.dbs[db.Path] = opened
		engines = append(engines, opened.engine)
	}
	d.store = cfg.store(engines, opts, d.log)
	if err := d.store.Open(ctx); err != nil {
		return nil, err
	}
	for _, db := range dbs {
		for _, r := range db.Replicas {
			d.log.Info("replicating", "path", db.Path, "replica", r.String())
		}
	}
	if opts.Once {
		return d, nil
	}
	if err := d.serve(); err != nil {
		return nil, err
	}
	d.background()
	return d, nil
}

// databases returns all databases, including those of directories.
func (cfg *Config) databases(known func(path string) bool) ([]DB, error) {
	var found []DB
	seen := make(map[string]bool)
	for _, db := range cfg.DBs {
		one := db
		one.Path = fileOf(db.Path)
		some := []DB{one}
		if db.Dir != "" {
			var err error
			if some, err = db.expand(known); err != nil {
				return nil, err
			}
			if len(some) == 0 && !db.Watch {
				return nil, fmt.Errorf("dir %s: no database matches %q: want one, or watch: true", db.Dir, db.Pattern)
			}
		}
		for _, one := range some {
			file := realpath.Of(one.Path)
			if seen[file] {
				return nil, fmt.Errorf("database %s is configured twice: want it once", one.Path)
			}
			seen[file] = true
		}
		found = append(found, some...)
	}
	return found, nil
}

// store returns the engine's store of the databases.
func (cfg *Config) store(dbs []*engine.DB, opts Options, logger *slog.Logger) *engine.Store {
	levels := engine.CompactionLevels{{Level: 0}}
	for i, interval := range cfg.Levels {
		levels = append(levels, &engine.CompactionLevel{Level: i + 1, Interval: interval})
	}
	s := engine.NewStore(dbs, levels)
	s.Logger = logger.With(engine.LogKeySystem, engine.LogSystemStore)
	for _, db := range dbs { // NewStore has set another
		db.SetLogger(s.Logger.With(engine.LogKeyDB, filepath.Base(db.Path())))
	}
	s.SnapshotInterval, s.SnapshotRetention = cfg.SnapshotInterval, cfg.SnapshotRetention
	s.L0RetentionCheckInterval = cfg.L0RetentionCheck
	s.SetL0Retention(cfg.L0Retention)
	s.SetVerifyCompaction(cfg.VerifyCompaction)
	s.SetRetentionEnabled(cfg.Retention)
	s.SetShutdownSyncTimeout(cfg.ShutdownSyncTimeout)
	s.SetShutdownSyncInterval(cfg.ShutdownSyncInterval)
	s.SetDone(opts.Done)
	if cfg.HeartbeatURL != "" {
		s.Heartbeat = engine.NewHeartbeatClient(cfg.HeartbeatURL, cfg.HeartbeatInterval)
	}
	if opts.Once {
		s.CompactionMonitorEnabled, s.L0RetentionCheckInterval, s.Heartbeat = false, 0, nil
	}
	return s
}

// distinct returns an error if two databases have the same replica: each would
// overwrite the other's files.
func distinct(dbs []DB) error {
	taken := make(owners)
	for _, db := range dbs {
		if err := taken.take(db); err != nil {
			return err
		}
	}
	return nil
}

// owners maps a replica's location, of config.Replica.Locations, to its database.
type owners map[string]string

// take records the locations of a database's replicas. It fails if another database
// has one of them.
func (o owners) take(db DB) error {
	for _, r := range db.Replicas {
		for _, at := range r.Locations() {
			switch other, taken := o[at]; {
			case taken && other == db.Path:
				return fmt.Errorf("database %s: replica %s is configured twice: want it once", db.Path, r)
			case taken:
				return fmt.Errorf("databases %s and %s have the same replica, %s: want one for each", other, db.Path, r)
			}
			o[at] = db.Path
		}
	}
	return nil
}

// has reports whether the database at path is replicated.
func (d *Daemon) has(path string) bool { return d.database(path) != nil }

func (d *Daemon) database(path string) *database {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dbs[path]
}

// background starts what the daemon does in addition to the engine.
func (d *Daemon) background() {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.wg.Go(func() { d.watch(ctx) })
	d.wg.Go(func() { d.repair(ctx) })
	if d.cfg.ValidationInterval > 0 {
		d.wg.Go(func() { d.validate(ctx) })
	}
}

// each calls do every interval until ctx ends.
func each(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
