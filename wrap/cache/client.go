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
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client is a replica some of whose answers are kept. It is made by New and safe
// for concurrent use.
type Client struct {
	*base
	next  ltxstore.ReplicaClient
	given Config
}

type base = layer.Base[state]

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
	b := layer.NewBase(next, "", cfg.open)
	return &Client{b, b.Unwrap(), cfg}
}
