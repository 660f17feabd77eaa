// Package gcs keeps a replica's LTX files in a bucket of Google Cloud Storage.
package gcs

import (
	"context"
	"fmt"
	"log/slog"

	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/lazy"
	"github.com/ltxstore/ltxstore/internal/oplog"
	"github.com/ltxstore/ltxstore/internal/retry"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const backend = "gcs"

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
	cfg    Config // with its defaults filled in
	keys   ltxstore.Keys
	bucket *storage.BucketHandle
	policy retry.Policy // for what the transport does not repeat: bodies, small writes
	log    *oplog.Logger
	end    sessions // of uploads that failed
	close  func()   // releases idle connections
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

// Type returns "gcs".
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

// Init checks the configuration, finds the source of credentials, and makes
// the connection pool. It sends nothing to the service; where the default
// credentials are asked for and no file has them, the machine's metadata
// service is looked for. A bad field is fs.ErrInvalid. After the first success
// Init does nothing; ctx may end after it.
func (c *ReplicaClient) Init(ctx context.Context) error {
	_, err := c.init(ctx)
	return err
}

// Close releases idle connections. The client stays usable. A Config.Client is
// the caller's to close.
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

// object returns the handle of a key, with the key that its content is
// encrypted with.
func (r *replica) object(key string) *storage.ObjectHandle {
	o := r.bucket.Object(key)
	if len(r.cfg.SSECustomerKey) > 0 {
		o = o.Key(r.cfg.SSECustomerKey)
	}
	return o
}
