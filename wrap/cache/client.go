// Package cache answers listings and small reads from memory, or from a bounded
// directory on a disk.
//
// # Listings
//
// A listing of a level that was read to its end answers further ones, from any
// seek that it covers, for Config.TTL from when it began; those with useMetadata
// are always the store's. What this client writes and deletes is in it at once, also
// if that happens beside the listing. What others do is seen when it has expired: a
// reader that must see the newest file of another writer needs a shorter TTL, or
// no cache. Listings that are asked for at the same time are one.
//
// # Blocks
//
// A read of at most Config.MaxRange bytes, such as ltxstore.FetchPage and
// ltxstore.FetchPageIndex make, reads whole blocks, and keeps them. All other reads
// are the store's. Reads of the same blocks at the same time are one.
//
// LTX files do not change in practice: a name stands for transactions. A rewrite
// by this client drops the file's blocks, before and after, and reads beside it go
// past the cache, so that old and new bytes are never mixed. Of rewrites by others
// the interface tells no version. They are found out by what can be seen: a
// listing through this client with another size or time, a block that ends elsewhere,
// and a block that is read again and is another. All that is kept of a file is
// dropped then, and after Config.BlockTTL at the latest. Until then a read may
// return what was there before.
//
// # On a disk
//
// Blocks in Config.Dir are kept when the process ends, in a folder for each replica:
// clients of several replicas may have the same directory. The replica is told by
// where it is (backend.Locator), never by its content, which may be equal; see
// Config.Identity for clients that do not tell. Each block has a checksum: one that is
// torn is dropped. Config.BlockTTL goes on from one process to the next. Nothing of an
// earlier process is believed until a block of the same file that was read from the
// store turns out to be the same: the first read of each file goes to the store, and
// finds out that the file was rewritten meanwhile. A replica's folder is for one client
// at a time: two would not read each other's blocks, but each keep to the bound. It
// holds what the next client has: put the cache inside of crypt, and it is encrypted.
//
// # Abilities
//
// Init, SetLogger and Close act on the next client; what else that can do is found
// through Unwrap, and goes past the cache. What is written that way is another's
// write.
package cache

import (
	"context"
	"io"
	"log/slog"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
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

// Client is a replica some of whose answers are kept. It is made by New and safe
// for concurrent use.
type Client struct {
	next  ltxstore.ReplicaClient
	given Config
	ready flow.Lazy[state]
}

// state is what a valid configuration has become.
type state struct {
	cfg      Config
	listings *listings
	blocks   *blocks
	counters counters
}

// New returns a client that keeps answers of next. It sends nothing and cannot
// fail: Init, which every method calls, tells what is wrong with cfg, and makes its
// Dir.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{next: layer.Next(next), given: cfg}
}

// Unwrap returns the next client.
func (c *Client) Unwrap() ltxstore.ReplicaClient { return c.next }

// Type returns the next client's.
func (c *Client) Type() string { return c.next.Type() }

// Location returns the next client's.
func (c *Client) Location(ctx context.Context) (string, error) {
	return layer.Location(ctx, "", c.next)
}

// Init checks the configuration, looks what Config.Dir has, and initializes the
// next client. A bad field is fs.ErrInvalid.
func (c *Client) Init(ctx context.Context) error {
	if _, err := c.init(ctx); err != nil {
		return err
	}
	return ltxstore.Init(ctx, c.next)
}

// SetLogger directs the next client's log. The wrapper itself logs nothing.
func (c *Client) SetLogger(logger *slog.Logger) { layer.SetLogger(c.next, logger) }

// Close closes the next client. What is kept in memory is freed with the client.
func (c *Client) Close() error { return ltxstore.Close(c.next) }

// init is how every method begins: it fails under a context already done.
func (c *Client) init(ctx context.Context) (*state, error) {
	s, err := c.ready.Get(ctx, func(ctx context.Context) (*state, error) { return c.given.open(ctx, c.next) })
	return s, layer.Wrap(c.next, "init", "", err)
}
