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
	"io"
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
//
// A listing that fails is resumed after its last file, and a transfer that breaks where it broke. A
// wrapper has no ETag to pin the version of the file (clause O3): the last KiB is read again, and if
// it has changed, the reader fails with ltxstore.ErrChecksum. A rewrite that keeps these bytes goes
// unnoticed, unless [github.com/ltxstore/ltxstore/wrap/checksum] verifies the file as a whole.
//
// A body that is an io.Seeker is read again from where it was, and another one from memory. One
// that does not fit into Config.BufferSize is written once, and the error says so. A failure of the
// body itself is not repeated.
type Client struct {
	*client
	log oplog.Logger
}

type client = layer.Client[replica, *replica]

// replica has the layer.Operations of a Client.
type replica struct {
	layer.Next
	cfg    Config
	policy retry.Policy
}

// New returns a client that repeats the failed operations of next. If a field is invalid,
// or next retries itself (see backend.Retrier), every method fails with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	c := new(Client)
	c.client = layer.New(next, func(_ context.Context, next layer.Next) (*replica, error) {
		retrier, ok := ltxstore.As[backend.Retrier](next.Client)
		cfg, err := cfg.check(next.Type(), ok && retrier.Retries())
		return &replica{next, cfg, retry.Policy{
			MaxAttempts: cfg.Retry.MaxAttempts,
			BaseDelay:   cfg.Retry.BaseDelay,
			MaxDelay:    cfg.Retry.MaxDelay,
			Retryable:   ltxstore.IsRetryable,
			OnRetry:     c.log.Retried(next.Type(), nil),
		}}, err
	})
	return c
}

// Retries returns true.
func (c *Client) Retries() bool { return true }

// Init checks the configuration and initializes the next client, repeatedly if that fails.
func (c *Client) Init(ctx context.Context) error {
	p, err := c.Begin(ctx, "init", nil)
	if err != nil {
		return err
	}
	return c.Wrap("init", p.policy.Do(ctx, func(ctx context.Context) error { return ltxstore.Init(ctx, c.Unwrap()) }))
}

// SetLogger sets the logger of the next client, and of this one, which logs each
// repetition at debug level.
func (c *Client) SetLogger(logger *slog.Logger) {
	c.log.Set(logger)
	c.client.SetLogger(logger)
}

// Open implements layer.Operations.
func (p *replica) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	return layer.Resume(ctx, p.Next.Client, f, offset, size, func(ctx context.Context, offset, size int64) (io.ReadCloser, error) {
		return p.Next.Open(ctx, f, offset, size)
	}, p.policy)
}

// Delete implements layer.Operations.
func (p *replica) Delete(ctx context.Context, files []*ltx.FileInfo) error {
	return p.policy.Do(ctx, func(ctx context.Context) error { return p.Next.Delete(ctx, files) })
}

// DeleteAll implements layer.Operations.
func (p *replica) DeleteAll(ctx context.Context) error { return p.policy.Do(ctx, p.Next.DeleteAll) }
