package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/retry"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config is the argument of New.
type Config struct {
	// Type is the backend's name, which Client.Type returns.
	Type string

	// Connect checks the backend's configuration and makes its Bucket. It is
	// called by the first method, and again by the next if it failed. An error
	// that is not an *ltxstore.Error is wrapped in one with Op "init", without
	// the logger's Secrets, and with the kind that the error matches. Without a
	// kind, or with fs.ErrNotExist, which is about a file of the configuration,
	// it is fs.ErrInvalid, unless it is retryable. Use backend.Invalid for the
	// error of a field. The logger is the client's, which SetLogger changes; add
	// secrets to its Secrets.
	Connect func(ctx context.Context, log *oplog.Logger) (*Store, error)

	// Retry is how requests are repeated. Init fails if Retry.Validate does.
	Retry ltxstore.Retry

	// Logger is used for all logs. Nil means slog.Default.
	Logger *slog.Logger

	// Describe returns where the replica is, without secrets, as fmt prints the
	// client. Nil means the Type.
	Describe func() string
}

// Store is a connected store, and how a replica is stored in it.
type Store struct {
	Bucket Bucket
	Traits Traits
	Keys   backend.Keys

	// WriteOnce makes writing a file fail if it exists with other content (clause
	// W6).
	WriteOnce bool

	// Options are the sizes and concurrencies. No defaults are added: a Concurrency
	// of less than 1 means 1, and a PageSize of 0 the store's maximum.
	Options

	// ReadPool is shared by the reads of large files, which request several
	// ranges at a time; with a pool of one request, each file is read with one
	// request. Nil means the process's pool for ReadMemory and ReadConcurrency.
	ReadPool *rangeio.Pool

	// IdleTimeout is how long a body may make no progress; 0 means a minute.
	IdleTimeout time.Duration

	// Close, if not nil, releases idle connections. The store stays usable.
	Close func()
}

// Client is an ltxstore.ReplicaClient over a Bucket.
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

// replica is the result of a successful Init. It does not change.
type replica struct {
	*Store
	Type    string
	policy  retry.Policy
	log     *oplog.Logger
	pool    *rangeio.Pool
	noBatch atomic.Bool // the store does not support deletions in batches

	noRanges atomic.Bool // the store has returned a whole object for a range
}

// New returns a client. It sends no request and does not fail: Init, which every
// method calls, returns any error.
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

// Init implements ltxstore.Initializer: it calls Config.Connect. After the
// first success it does nothing; ctx may end after it.
func (c *Client) Init(ctx context.Context) error {
	_, err := c.init(ctx)
	return err
}

// String returns where the replica is, without secrets.
func (c *Client) String() string {
	if c.cfg.Describe == nil {
		return c.cfg.Type
	}
	return c.cfg.Describe()
}

// GoString returns String, because %#v must not show secrets either.
func (c *Client) GoString() string { return c.String() }

// Format writes String for every verb.
func (c *Client) Format(f fmt.State, _ rune) { scrub.Format(f, c.String()) }

// Close releases idle connections. The client stays usable.
func (c *Client) Close() error {
	if r := c.ready.Load(); r != nil && r.Store.Close != nil {
		r.Store.Close()
	}
	return nil
}

// init is called first by every method. It fails if ctx has ended.
func (c *Client) init(ctx context.Context) (*replica, error) {
	r, err := c.ready.Get(ctx, c.connect)
	if err == nil {
		return r, nil
	}
	return nil, backend.InitError(c.cfg.Type, err)
}

func (c *Client) connect(ctx context.Context) (*replica, error) {
	if err := c.cfg.Retry.Validate(); err != nil {
		return nil, err
	}
	store, err := c.cfg.Connect(ctx, &c.log)
	if err != nil {
		return nil, c.unconnected(ctx, err)
	}
	if store.WriteOnce && store.Traits.NoIfAbsent {
		return nil, backend.Invalid(c.cfg.Type, "init", "WriteOnce", true, "want false: the store has no conditional writes")
	}
	r := &replica{Store: store, Type: c.cfg.Type, log: &c.log, pool: cmp.Or(store.ReadPool, rangeio.SharedPool(store.ReadMemory, store.ReadConcurrency))}
	given := c.cfg.Retry.WithDefaults()
	r.policy = retry.Policy{
		MaxAttempts: given.MaxAttempts,
		BaseDelay:   given.BaseDelay,
		MaxDelay:    given.MaxDelay,
		Retryable:   r.retryable,
		OnRetry:     c.log.Retried(c.cfg.Type, r.describe),
	}
	return r, nil
}

// unconnected returns the error of Init if Connect failed with err: see Config.
func (c *Client) unconnected(ctx context.Context, err error) error {
	if done := new(ltxstore.Error); errors.As(err, &done) {
		return done
	}
	if ended := flow.Err(ctx); ended != nil {
		return ended
	}
	failed := new(ltxstore.Error)
	errors.As(backend.InitError(c.cfg.Type, c.log.Secrets.Error(err)), &failed)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		failed.Kind, failed.Err = fs.ErrInvalid, errors.New(failed.Err.Error())
	case failed.Kind == nil && !ltxstore.IsRetryable(err):
		failed.Kind = fs.ErrInvalid
	}
	return failed
}

// do sends a request, and repeats it according to the policy.
func (r *replica) do(ctx context.Context, send func(context.Context) error) error {
	return r.policy.Do(ctx, func(ctx context.Context) error { return r.after(send(ctx)) })
}

// start logs the start of an operation that is not about a single file.
func (r *replica) start(ctx context.Context, name string, done slog.Level) oplog.Op {
	return r.log.Start(ctx, oplog.Op{Replica: r.Type, Name: name, Level: -1, Done: done})
}

// head returns the properties of an object, and fails if version is not empty and the
// object has another. A response without a version may be about another one, because
// a proxy may have dropped the condition.
func (r *replica) head(ctx context.Context, key, version string) (o Object, err error) {
	err = r.do(ctx, func(ctx context.Context) (err error) {
		o, err = r.headOnce(ctx, key, version)
		return err
	})
	switch {
	case err != nil || version == "" || o.Version == version:
		return o, err
	case o.Version == "":
		return Object{}, failed(nil, "response without the requested version, %s", version)
	}
	return Object{}, failed(ErrPrecondition, "version is %s, was %s", o.Version, version)
}

// headOnce requests the properties of an object once. A response without its size may
// come from a proxy.
func (r *replica) headOnce(ctx context.Context, key, version string) (Object, error) {
	o, err := r.Bucket.Head(ctx, key, version)
	if err == nil && o.Size < 0 {
		err = failed(ltxstore.ErrUnavailable, "unexpected response, perhaps from a proxy: properties without a size")
	}
	return o, err
}
