package codec

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Cache remembers something of each file, up to a bound in bytes: what was not used
// for the longest time goes first. It is safe for concurrent use.
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

// entryCost is about what an entry takes besides its value's own memory.
const entryCost = 192

// NewCache returns a cache of at most bound bytes; 0 keeps nothing.
func NewCache[V any](bound int64) *Cache[V] {
	files, _ := simplelru.NewLRU[layer.File, cached[V]](math.MaxInt, nil) // fails for a size below 1 only
	return &Cache[V]{bound: bound, files: files}
}

// Get returns what is remembered of a file.
func (c *Cache[V]) Get(f layer.File) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	it, ok := c.files.Get(f)
	return it.v, ok
}

// Put remembers v, which holds size bytes of memory of its own. What is larger
// than the whole cache is not kept.
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

// Drop forgets a file.
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

// Clear forgets all files.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = 0
	c.files.Purge()
}
