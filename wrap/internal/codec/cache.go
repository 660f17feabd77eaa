package codec

import (
	"cmp"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Cache holds a value for each file, within a bound in bytes. The least recently used are
// dropped first. It is safe for concurrent use.
type Cache[V any] struct {
	mu    sync.Mutex
	bound int64
	used  int64
	files *simplelru.LRU[layer.File, cached[V]]
}

type cached[V any] struct {
	v    V
	cost int64
}

// entryCost is roughly the memory of an entry without that of its value.
const entryCost = 192

// NewCache returns one of the two caches of a client, each of which has half of its CacheSize. 0
// means 32 MiB.
func NewCache[V any](cacheSize int64) *Cache[V] {
	files, _ := simplelru.NewLRU[layer.File, cached[V]](math.MaxInt, nil) // fails for a size below 1 only
	return &Cache[V]{bound: cmp.Or(cacheSize, 32<<20) / 2, files: files}
}

// Get returns the value of a file.
func (c *Cache[V]) Get(f layer.File) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	it, ok := c.files.Get(f)
	return it.v, ok
}

// Put sets the value of a file, which takes size bytes of memory. A value larger than the
// whole cache is not kept.
func (c *Cache[V]) Put(f layer.File, v V, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(f)
	cost := size + entryCost
	if cost > c.bound {
		return
	}
	c.used += cost
	c.files.Add(f, cached[V]{v, cost})
	for c.used > c.bound {
		_, oldest, _ := c.files.RemoveOldest()
		c.used -= oldest.cost
	}
}

// Drop removes the value of a file.
func (c *Cache[V]) Drop(f layer.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(f)
}

func (c *Cache[V]) drop(f layer.File) {
	if it, ok := c.files.Peek(f); ok {
		c.used -= it.cost
		c.files.Remove(f)
	}
}

// Clear removes all values.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = 0
	c.files.Purge()
}
