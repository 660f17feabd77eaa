package tree

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/retry"
)

// Config is the argument of New.
type Config struct {
	// Type is the backend's name, which Client.Type returns.
	Type string

	// Connect checks the backend's configuration and makes its Tree. It is called
	// by the first method, and again by the next if it failed. An error that is not
	// an *ltxstore.Error is wrapped in one with Op "init" and the kind that the
	// error matches. Use backend.Invalid for the error of a field. The logger is
	// the client's, which SetLogger changes; add secrets to its Secrets.
	Connect func(ctx context.Context, log *oplog.Logger) (*Store, error)

	// Retry is how calls are repeated. Init fails if Retry.Validate does.
	Retry ltxstore.Retry

	// Logger is used for all logs. Nil means slog.Default.
	Logger *slog.Logger
}

// Store is a connected store, and how a replica is stored in it.
type Store struct {
	// Tree or Disk is the store: one of them must be set.
	Tree   Tree
	Disk   Disk
	Traits Traits // of Tree

	// Layout names the files, relative to the replica's root.
	Layout ltxstore.Layout

	Options

	// Where is the server, for errors, without secrets: "user@host:22".
	Where string

	// Close, if not nil, releases connections. The store stays usable.
	Close func()

	// Now returns the time for computing ages in a sweep. Nil means time.Now.
	Now func() time.Time
}

// Client is an ltxstore.ReplicaClient over a Tree.
type Client struct {
	cfg   Config
	log   oplog.Logger
	ready flow.Lazy[replica]
}

var (
	_ ltxstore.ReplicaClient = (*Client)(nil)
	_ ltxstore.Initializer   = (*Client)(nil)
	_ ltxstore.LoggerSetter  = (*Client)(nil)
	_ backend.Retrier        = (*Client)(nil)
	_ ltxstore.LevelLister   = (*Client)(nil)
	_ backend.FolderLister   = (*Client)(nil)
	_ backend.RawLister      = (*Client)(nil)
	_ backend.RawOpener      = (*Client)(nil)
)

// replica is the result of a successful Init.
type replica struct {
	*Store
	Type   string
	Keys   backend.Keys
	policy retry.Policy
	log    *oplog.Logger
	made   sync.Map // directories that are known to exist
}

// New returns a client. It sends no request and does not fail: Init, which every method
// calls, returns any error.
func New(cfg Config) *Client {
	c := &Client{cfg: cfg}
	if cfg.Logger != nil {
		c.log.Set(cfg.Logger)
	}
	return c
}

// Type implements ltxstore.ReplicaClient.
func (c *Client) Type() string { return c.cfg.Type }

// Retries implements backend.Retrier: it is true unless Config.Retry allows only one
// attempt.
func (c *Client) Retries() bool { return c.cfg.Retry.WithDefaults().MaxAttempts > 1 }

// SetLogger implements ltxstore.LoggerSetter.
func (c *Client) SetLogger(logger *slog.Logger) { c.log.Set(logger) }

// Init implements ltxstore.Initializer: it calls Config.Connect, and with
// Options.MustExist checks that the root exists. After the first success it does nothing;
// ctx may end after it.
func (c *Client) Init(ctx context.Context) error {
	_, err := c.init(ctx, "init")
	return err
}

// Close releases connections. The client stays usable.
func (c *Client) Close() error {
	if r := c.ready.Load(); r != nil && r.Store.Close != nil {
		r.Store.Close()
	}
	return nil
}

// init is called first by every method, whose name is op. It fails if ctx has ended.
func (c *Client) init(ctx context.Context, op string) (*replica, error) {
	if err := flow.Err(ctx); err != nil {
		return nil, c.refuse(op, err)
	}
	r, err := c.ready.Get(ctx, c.connect)
	if err == nil {
		return r, nil
	}
	if _, ok := err.(*ltxstore.Error); !ok {
		err = c.log.Secrets.Error(err)
	}
	return nil, backend.InitError(c.cfg.Type, err)
}

func (c *Client) connect(ctx context.Context) (*replica, error) {
	if err := c.cfg.Retry.Validate(); err != nil {
		return nil, err
	}
	store, err := c.cfg.Connect(ctx, &c.log)
	if err != nil {
		return nil, err
	}
	if store.WriteOnce && store.Traits.NoLink {
		return nil, backend.Invalid(c.cfg.Type, "init", "WriteOnce", true, "want false: the store cannot create a file without replacing another")
	}
	keys, err := backend.NewKeys(store.Layout, "")
	if err != nil {
		return nil, err
	}
	r := &replica{Store: store, Type: c.cfg.Type, Keys: keys, log: &c.log}
	r.Options = r.Options.WithDefaults()
	if r.Now == nil {
		r.Now = time.Now
	}
	given := c.cfg.Retry.WithDefaults()
	r.policy = retry.Policy{
		MaxAttempts: given.MaxAttempts,
		BaseDelay:   given.BaseDelay,
		MaxDelay:    given.MaxDelay,
		Retryable:   r.retryable,
		OnRetry:     c.log.Retried(c.cfg.Type, nil),
	}
	switch {
	case store.Disk != nil:
		return r, r.sweepAll(ctx)
	case store.MustExist:
		return r, r.checkRoot(ctx)
	}
	return r, nil
}

func (r *replica) checkRoot(ctx context.Context) error {
	info, err := r.stat(ctx, remote{r.Tree, ""}, "")
	switch {
	case r.is(err, fs.ErrNotExist):
		// %v, because a missing store is not a missing file (clause O2).
		return r.wrap("init", "", fmt.Errorf("root directory does not exist: %w: %v", ltxstore.ErrStoreNotFound, err))
	case err != nil:
		return r.wrap("init", "", err)
	case !info.Mode.IsDir():
		return r.wrap("init", "", fmt.Errorf("replica's path is a file: want a directory: %w", fs.ErrInvalid))
	}
	return nil
}

func (r *replica) stat(ctx context.Context, dir Dir, name string) (info Info, err error) {
	err = r.do(ctx, func(ctx context.Context) (err error) {
		info, err = dir.Stat(ctx, name)
		return err
	})
	return info, err
}

// start logs the start of an operation that is not about a single file.
func (r *replica) start(ctx context.Context, name string, done slog.Level) oplog.Op {
	return r.log.Start(ctx, oplog.Op{Replica: r.Type, Name: name, Level: -1, Done: done})
}

// refuse returns the error of an invalid argument.
func (c *Client) refuse(op string, err error) error {
	return &ltxstore.Error{Op: op, Backend: c.cfg.Type, Kind: ltxstore.KindOf(err), Err: err}
}
