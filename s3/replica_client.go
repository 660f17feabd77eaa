// Package s3 keeps a replica's LTX files in a bucket of Amazon S3 or of a
// service that speaks its protocol.
package s3

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/lazy"
	"github.com/ltxstore/ltxstore/internal/oplog"
	"github.com/ltxstore/ltxstore/internal/retry"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const backend = "s3"

var (
	_ ltxstore.ReplicaClient = (*ReplicaClient)(nil)
	_ ltxstore.Initializer   = (*ReplicaClient)(nil)
	_ ltxstore.LoggerSetter  = (*ReplicaClient)(nil)
	_ ltxstore.Retrier       = (*ReplicaClient)(nil)
)

// ReplicaClient is a replica in a bucket. It is made by NewReplicaClient and
// safe for concurrent use.
type ReplicaClient struct {
	given func() Config // fmt looks into no function
	log   oplog.Logger

	ready lazy.Value[replica]
}

// replica is what a successful Init has found: from then on it is constant.
type replica struct {
	cfg      Config // with the defaults of Config and of the provider filled in
	keys     ltxstore.Keys
	provider provider
	api      *s3.Client
	policy   retry.Policy // for what the SDK does not retry: bodies, whole operations
	log      *oplog.Logger
	close    func() // releases idle connections

	noBatch atomic.Bool // the store has turned out to have no DeleteObjects
}

// NewReplicaClient returns a client of the replica that cfg describes. It
// sends nothing and cannot fail: Init, which every method calls, tells what is
// wrong with cfg.
func NewReplicaClient(cfg Config) *ReplicaClient {
	c := &ReplicaClient{given: func() Config { return cfg }}
	if cfg.Logger != nil {
		c.log.Set(cfg.Logger)
	}
	return c
}

// Type returns "s3".
func (c *ReplicaClient) Type() string { return backend }

// Retries implements ltxstore.Retrier: it is true unless Config.Retry allows one
// attempt only.
func (c *ReplicaClient) Retries() bool { return c.given().Retry.WithDefaults().MaxAttempts > 1 }

// SetLogger implements ltxstore.LoggerSetter.
func (c *ReplicaClient) SetLogger(logger *slog.Logger) { c.log.Set(logger) }

// String returns where the replica is, without secrets.
func (c *ReplicaClient) String() string { return c.given().String() }

// GoString is String: %#v must not show a secret either.
func (c *ReplicaClient) GoString() string { return c.String() }

// Format is String for every verb.
func (c *ReplicaClient) Format(f fmt.State, _ rune) { scrub.Format(f, c.String()) }

// Init checks the configuration, finds credentials' source and the region,
// and makes the connection pool. It sends at most one request: the HEAD that
// asks for the region. A bad field is fs.ErrInvalid. After the first success
// Init does nothing; ctx may end after it.
func (c *ReplicaClient) Init(ctx context.Context) error {
	_, err := c.init(ctx)
	return err
}

// Close releases idle connections. The client stays usable.
func (c *ReplicaClient) Close() error {
	if r := c.ready.Load(); r != nil {
		r.close()
	}
	return nil
}

// init is how every method begins: it fails under a context already done.
func (c *ReplicaClient) init(ctx context.Context) (*replica, error) {
	r, err := c.ready.Get(ctx, func(ctx context.Context) (*replica, error) {
		return connect(ctx, c.given(), &c.log)
	})
	return r, wrap("init", "", err)
}
