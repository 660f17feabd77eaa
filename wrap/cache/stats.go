package cache

import (
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
	"sync/atomic"
)

// Stats counts what a client has answered, since it was made.
type Stats struct {
	// ListHits are listings from what was kept, ListMisses those of the store, and
	// ListShared those that joined one of the store that was under way.
	ListHits, ListMisses, ListShared int64

	// ReadHits are reads from blocks that were kept, ReadMisses those that read
	// blocks from the store, and ReadShared those that waited for blocks that
	// another read was reading. A read that is too large is none of them.
	ReadHits, ReadMisses, ReadShared int64

	// Evicted are blocks that made room for others; Changed how often a file
	// turned out to be another than the one that was kept; Torn blocks on the disk
	// that were damaged; Failed blocks that could not be put there.
	Evicted, Changed, Torn, Failed int64

	// Blocks and BlockBytes are what is kept now, as Config.Size counts it, and
	// Files the files of listings that are kept.
	Blocks, BlockBytes, Files int64
}

type counters struct {
	listHits, listMisses, listShared atomic.Int64
	readHits, readMisses, readShared atomic.Int64
	evicted, changed, torn, failed   atomic.Int64
}

// Stats returns the counts: zeros before the first call of a method.
func (c *Client) Stats() Stats {
	s := layer.Ready(c.base)
	if s == nil {
		return Stats{}
	}
	n := &s.counters
	stats := Stats{
		ListHits: n.listHits.Load(), ListMisses: n.listMisses.Load(), ListShared: n.listShared.Load(),
		ReadHits: n.readHits.Load(), ReadMisses: n.readMisses.Load(), ReadShared: n.readShared.Load(),
		Evicted: n.evicted.Load(), Changed: n.changed.Load(), Torn: n.torn.Load(), Failed: n.failed.Load(),
	}
	s.blocks.mu.Lock()
	stats.Blocks, stats.BlockBytes = int64(s.blocks.byAge.Len()), s.blocks.used
	s.blocks.mu.Unlock()
	s.listings.mu.Lock()
	stats.Files = int64(s.listings.held)
	s.listings.mu.Unlock()
	return stats
}
