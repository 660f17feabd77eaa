// Package cache answers listings and small reads from memory, or from a bounded
// directory on a disk. It is useful around a store that is slow or charges for requests,
// such as [github.com/ltxstore/ltxstore/s3].
//
// # Listings
//
// A listing of a level that was read to its end answers further listings of the level,
// from the same or a later seek, for Config.TTL from when it began. Listings with
// useMetadata always go to the store. What this client writes and deletes is listed at
// once, also if that happens during a listing. What others do is listed when the kept listing has
// expired: a reader that must see another writer's newest file needs a shorter TTL, or
// no cache.
//
// # Blocks
//
// A read of at most Config.MaxRange bytes, such as those of ltxstore.FetchPage and
// ltxstore.FetchPageIndex, reads whole blocks and keeps them. All other reads
// go to the store. Concurrent reads of the same blocks share one request.
//
// The cache assumes that LTX files rarely change, because a name stands for its
// transactions. When this client rewrites a file, its blocks are dropped, and reads go to
// the store meanwhile, so that old and new bytes are never mixed. Rewrites by other clients
// are noticed by a listing with another size or time, a block that ends elsewhere, or a
// block that has other bytes when it is read again. Then all blocks of the file are
// dropped, and after Config.BlockTTL at the latest. Until then a read may return the old
// content.
//
// # On a disk
//
// Blocks in Config.Dir outlive the process. Each replica has a folder in it, named by the
// replica's location (backend.Locator), so that clients of several replicas may
// share the directory; see Config.Identity for clients without a location. Each block
// has a checksum: damaged ones are dropped. Config.BlockTTL continues from one process to
// the next. Blocks of an earlier process are used only after a block of the same
// file has been read from the store and is equal: the first read of each file goes to the store,
// and notices a rewrite. A replica's folder is for one client at a time; two would not use
// each other's blocks. It holds what the next client stores: to
// encrypt it, put the cache inside [github.com/ltxstore/ltxstore/wrap/crypt].
//
// Init, SetLogger and Close act on the next client. Other interfaces of it are found
// through Unwrap and bypass the cache; what is written through them counts as written by
// another client.
package cache

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client keeps answers of the next client. New returns one. It is safe for concurrent use.
//
// LTXFiles costs no request while a listing from seek or before is kept. Otherwise it
// lists the store, and keeps the listing if it is read to its end. CreatedAt of a file that
// this client has written since is what the write returned. With useMetadata it calls the
// next client.
//
// OpenLTXFile costs no request for a read of 1 to Config.MaxRange bytes if all its blocks
// are kept, and otherwise one request for all of them, which notices blocks of another
// version. The range is in memory when OpenLTXFile returns. Other reads, and those
// during a write or a deletion of the file by this client, go to the next client. A file
// that another client deletes remains readable while its blocks are kept.
//
// WriteLTXFile, DeleteLTXFiles and DeleteAll call the next client. The files' blocks are dropped
// before, and the kept listing has the change after. A change that fails drops the listings of its
// levels, because its result is unknown.
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

// New returns a client that keeps answers of next. It sends no request and does not fail.
// Init and every other method create Config.Dir, and fail with fs.ErrInvalid if a field of
// cfg is invalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{layer.New(next, "", cfg.open), cfg}
}
