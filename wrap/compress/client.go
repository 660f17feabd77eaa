// Package compress stores LTX files compressed with zstd, in frames that can be
// decoded one by one, so that a page is read without the rest of the file.
//
// # Files
//
// A file is a number of zstd frames of Config.FrameSize bytes each, and the seek
// table of the zstd seekable format
// (https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md).
// Any zstd program decompresses it, and any reader of the seekable format reads
// it. Before the table stands a skippable frame with the size and the LTX
// timestamp of the file and a checksum of the table.
//
// A file that does not begin with the zstd magic was written before compression
// was turned on: it is read as it is. Such a file must not begin with that magic,
// nor be a shorter beginning of it, which no LTX file is.
//
// # Sizes and times
//
// ltx.FileInfo.Size, and the offsets of OpenLTXFile, are those of the body that
// was written. CreatedAt of an LTX file is always its header's timestamp (clause
// T1). Both are read from the stored file's end and remembered: see
// Client.LTXFiles for what that costs. The next client is never asked for
// metadata.
//
// # Order
//
// Compress before encrypting: what is encrypted does not compress. The client is
// to be wrapped around the one that encrypts.
package compress

import (
	"context"
	"io"
	"log/slog"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var (
	_ ltxstore.ReplicaClient = (*Client)(nil)
	_ ltxstore.Initializer   = (*Client)(nil)
	_ ltxstore.LoggerSetter  = (*Client)(nil)
	_ backend.Locator        = (*Client)(nil)
	_ backend.Unwrapper      = (*Client)(nil)
	_ io.Closer              = (*Client)(nil)
)

// Client is a replica whose files are stored compressed. It is made by New and
// safe for concurrent use.
type Client struct {
	next  ltxstore.ReplicaClient
	given Config
	ready flow.Lazy[setup]
}

// setup is what a valid configuration has become.
type setup struct {
	frameSize   int
	concurrency int
	zstd        *coder
	files       *codec.Cache[*stored]
}

// New returns a client that compresses what goes to next. It sends nothing and
// cannot fail: Init, which every method calls, tells what is wrong with cfg.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{next: layer.Next(next), given: cfg}
}

// Unwrap returns the next client.
func (c *Client) Unwrap() ltxstore.ReplicaClient { return c.next }

// Type returns the next client's.
func (c *Client) Type() string { return c.next.Type() }

// Location returns the next client's, marked as that of a client that compresses.
func (c *Client) Location(ctx context.Context) (string, error) {
	return layer.Location(ctx, "compress", c.next)
}

// Init checks the configuration and initializes the next client. A bad field is
// fs.ErrInvalid.
func (c *Client) Init(ctx context.Context) error {
	if _, err := c.init(ctx); err != nil {
		return err
	}
	return ltxstore.Init(ctx, c.next)
}

// SetLogger directs the next client's log. The wrapper itself logs nothing.
func (c *Client) SetLogger(logger *slog.Logger) { layer.SetLogger(c.next, logger) }

// Close closes the next client.
func (c *Client) Close() error { return ltxstore.Close(c.next) }

// init is how every method begins: it fails under a context already done.
func (c *Client) init(ctx context.Context) (*setup, error) {
	s, err := c.ready.Get(ctx, func(context.Context) (*setup, error) { return c.given.check(c.Type()) })
	return s, codec.WrapCall(c.next, "init", err)
}
