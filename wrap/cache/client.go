// Package cache answers listings and small reads from memory, or from a bounded
// file on a disk. It is useful around a store that is slow or charges for requests,
// such as [github.com/ltxstore/ltxstore/s3].
//
// # Listings
//
// A listing of a level that was read to its end answers later listings of the level, from the
// same or a later seek, for Config.TTL from when it began, or until this client changes the level.
// What other clients do is listed when the kept listing has expired: a reader that must see another
// writer's newest file needs a shorter TTL, or no cache. Listings with useMetadata go to the store.
//
// # Blocks
//
// A read of at most Config.MaxRange bytes, such as those of ltxstore.FetchPage and
// ltxstore.FetchPageIndex, reads whole blocks and keeps them. It costs one request if one of its
// blocks is not kept, which concurrent reads of the same blocks share. All other reads, and those of
// a file that this client is writing or deleting, go to the store.
//
// The cache assumes that LTX files rarely change, because a name stands for its
// transactions. When this client rewrites a file, its blocks are dropped, so that old and new bytes
// are never mixed. Rewrites by other clients are noticed by a kept listing with another size or time,
// by a block that ends elsewhere or has other bytes when it is read again, and after Config.BlockTTL at the
// latest. Until then a read may return the old content, also that of a deleted file.
//
// With Config.Dir, blocks are in a temporary file, until Close or the end of the process. On Windows, a
// process that ends without Close leaves the file behind. It holds what the next client stores: to
// encrypt it, put the cache inside [github.com/ltxstore/ltxstore/wrap/crypt].
//
// Interfaces of the next client that are found through Unwrap bypass the cache. What is written through
// them counts as written by another client.
package cache

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client keeps answers of the next client. New returns one. It is safe for concurrent use.
type Client struct {
	*client
	given Config
}

type client = layer.Client[state, *state]

// state is what a valid configuration has become: the layer.Operations of a Client.
type state struct {
	layer.Next
	cfg      Config
	listings *listings
	blocks   *blocks
	counters counters
}

// New returns a client that keeps answers of next. It sends no request and does not fail. Its
// methods create Config.Dir, and fail with fs.ErrInvalid if a field of cfg is invalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{layer.New(next, cfg.open), cfg}
}

// Close closes the next client, and removes the file in Config.Dir.
func (c *Client) Close() error {
	if s := c.Ready(); s != nil && s.blocks.disk != nil {
		s.blocks.disk.close()
	}
	return c.client.Close()
}
