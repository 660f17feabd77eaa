// Package retry repeats failed operations, for clients that do not do so themselves, such
// as [github.com/ltxstore/ltxstore/file] on a network file system or a third party's
// backend. The clients of the object stores retry single requests, which is better; such a
// client is refused, because retries would multiply.
//
// Errors that [ltxstore.IsRetryable] accepts are repeated, with the waits of
// [ltxstore.Retry]. Operations can be repeated because the contract makes them idempotent:
// a file is written completely or not at all, and deleting a missing file succeeds.
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

// Client repeats the next client's failed operations. New returns one. It is safe for
// concurrent use.
type Client struct {
	*base
	next   ltxstore.ReplicaClient
	cfg    Config
	policy retry.Policy
	log    oplog.Logger
}

type base = layer.Base[struct{}]

// New returns a client that repeats the failed operations of next. If a field is invalid,
// or next retries itself (see backend.Retrier), every method fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	c := &Client{base: layer.NewBase[struct{}](next, "", nil)}
	retrier, ok := ltxstore.As[backend.Retrier](c.Unwrap())
	cfg, wrong := cfg.check(c.Type(), ok && retrier.Retries())
	c.cfg, c.next = cfg, layer.Failing(c.Unwrap(), wrong)
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

// Init checks the configuration and initializes the next client, repeatedly if that fails.
func (c *Client) Init(ctx context.Context) error {
	return c.do(ctx, "init", "", func(ctx context.Context) error { return ltxstore.Init(ctx, c.next) })
}

// SetLogger sets the logger of the next client, and of this one, which logs each
// repetition at debug level.
func (c *Client) SetLogger(logger *slog.Logger) {
	c.log.Set(logger)
	c.base.SetLogger(logger)
}

// DeleteLTXFiles calls the next client, and repeats the whole list: files that were deleted
// the first time are missing the second time, which is not an error.
func (c *Client) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return c.do(ctx, "delete", "", func(ctx context.Context) error { return c.next.DeleteLTXFiles(ctx, files) })
}

// DeleteAll calls the next client, repeatedly if that fails.
func (c *Client) DeleteAll(ctx context.Context) error {
	return c.do(ctx, "delete all", "", c.next.DeleteAll)
}

// do calls op, repeatedly if it fails, and returns its last failure as an *ltxstore.Error.
func (c *Client) do(ctx context.Context, name, key string, op func(context.Context) error) error {
	return layer.Wrap(c.next, name, key, c.policy.Do(ctx, op))
}
