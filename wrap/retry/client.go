// Package retry repeats what fails, for clients that do not do so themselves:
// a network file system, a third party's backend. The clients of s3 and gcs do,
// at each request, which is better; around such a one New refuses to work.
//
// What is repeated is what ltxstore.IsRetryable says, with the waits of
// ltxstore.Retry. Operations can be repeated because the contract makes them
// idempotent: a file is written whole or not at all, a missing file is deleted.
//
// Of the optional abilities Client has Init, SetLogger, Close and Retries, which
// is true; whatever else a client inside has is found by ltxstore.As.
package retry

import (
	"context"
	"log/slog"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/retry"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var (
	_ ltxstore.ReplicaClient = (*Client)(nil)
	_ backend.Retrier        = (*Client)(nil)
)

// Client repeats the next client's operations. It is made by New and safe for
// concurrent use.
type Client struct {
	*base
	next   ltxstore.ReplicaClient
	cfg    Config
	policy retry.Policy
	wrong  error // with the Config or next
	log    oplog.Logger
}

type base = layer.Base[struct{}]

// New returns a client that repeats what fails in next. A bad field, and a next
// that retries itself (see backend.Retrier), are fs.ErrInvalid in every method.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	b := layer.NewBase[struct{}](next, "", nil)
	c := &Client{base: b, next: b.Unwrap()}
	retrier, ok := ltxstore.As[backend.Retrier](c.next)
	c.cfg, c.wrong = cfg.check(c.next.Type(), ok && retrier.Retries())
	c.policy = retry.Policy{
		MaxAttempts: c.cfg.Retry.MaxAttempts,
		BaseDelay:   c.cfg.Retry.BaseDelay,
		MaxDelay:    c.cfg.Retry.MaxDelay,
		Retryable:   ltxstore.IsRetryable,
		OnRetry:     c.log.Retried(c.Type(), nil),
	}
	return c
}

// Retries returns true.
func (c *Client) Retries() bool { return true }

// Init checks the configuration and initializes the next client, again and again
// while that fails in a way that may pass.
func (c *Client) Init(ctx context.Context) error {
	return c.do(ctx, "init", "", func(ctx context.Context) error { return ltxstore.Init(ctx, c.next) })
}

// SetLogger directs the log: the next client's, and of each repetition a line at
// debug level.
func (c *Client) SetLogger(logger *slog.Logger) {
	c.log.Set(logger)
	layer.SetLogger(c.next, logger)
}

// DeleteLTXFiles is the next client's, repeated as a whole: what was deleted the
// first time is missing the second, which is no error.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return c.do(ctx, "delete", "", func(ctx context.Context) error { return c.next.DeleteLTXFiles(ctx, files) })
}

// DeleteAll is the next client's, repeated as a whole.
func (c *Client) DeleteAll(ctx context.Context) error {
	return c.do(ctx, "delete all", "", c.next.DeleteAll)
}

// do repeats op, and makes an *ltxstore.Error of its last failure.
func (c *Client) do(ctx context.Context, name, key string, op func(context.Context) error) error {
	err := c.wrong
	if err == nil {
		err = c.policy.Do(ctx, op)
	}
	return layer.Wrap(c.next, name, key, err)
}
