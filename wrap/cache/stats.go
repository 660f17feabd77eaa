package cache

import "sync/atomic"

// Stats counts the answers of a client.
type Stats struct {
	// ListHits counts listings answered from the cache, and ListMisses those of the store.
	ListHits, ListMisses int64

	// ReadHits counts reads answered from the cache, ReadMisses those that read blocks
	// from the store, and ReadShared those that shared a request in progress. Reads of
	// more than Config.MaxRange do not count.
	ReadHits, ReadMisses, ReadShared int64

	// Evicted counts blocks that made room for others, Changed files that turned out to
	// be rewritten, and Failed blocks that could not be written to Config.Dir.
	Evicted, Changed, Failed int64

	// Blocks and BlockBytes are the blocks kept now and their size as Config.Size counts
	// it. Files is the number of files in kept listings.
	Blocks, BlockBytes, Files int64
}

type counters struct {
	listHits, listMisses             atomic.Int64
	readHits, readMisses, readShared atomic.Int64
	evicted, changed, failed         atomic.Int64
}

// Stats returns the counts since the client was made.
func (c *Client) Stats() Stats {
	s := c.Ready()
	if s == nil {
		return Stats{}
	}
	n := &s.counters
	stats := Stats{
		ListHits: n.listHits.Load(), ListMisses: n.listMisses.Load(),
		ReadHits: n.readHits.Load(), ReadMisses: n.readMisses.Load(), ReadShared: n.readShared.Load(),
		Evicted: n.evicted.Load(), Changed: n.changed.Load(), Failed: n.failed.Load(),
	}
	s.blocks.mu.Lock()
	stats.Blocks, stats.BlockBytes = int64(s.blocks.byAge.Len()), s.blocks.used
	s.blocks.mu.Unlock()
	stats.Files = int64(s.listings.files())
	return stats
}
