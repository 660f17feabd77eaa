package codec

import (
	"container/list"
	"sync"
)

// Cache remembers something of each file, up to a bound: what was not used for
// the longest time goes first. It is safe for concurrent use.
type Cache[V any] struct {
	mu    sync.Mutex
	bound int64
	used  int64
	byAge list.List // of *cached[V], the newest first
	files map[File]*list.Element
}

type cached[V any] struct {
	file File
	v    V
	cost int64
}

// entryCost is about what an entry takes beside its value's own memory.
const entryCost = 192

// NewCache returns a cache of at most bound bytes; 0 keeps nothing.
func NewCache[V any](bound int64) *Cache[V] {
	return &Cache[V]{bound: bound, files: make(map[File]*list.Element)}
}

// Get returns what is remembered of a file.
func (c *Cache[V]) Get(f File) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.files[f]
	if e == nil {
		return v, false
	}
	c.byAge.MoveToFront(e)
	return e.Value.(*cached[V]).v, true
}

// Put remembers v, which holds size bytes of memory of its own. What is larger
// than the whole cache is not kept.
func (c *Cache[V]) Put(f File, v V, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(f)
	cost := size + entryCost
	if cost > c.bound {
		return
	}
	c.used += cost
	c.files[f] = c.byAge.PushFront(&cached[V]{f, v, cost})
	for c.used > c.bound {
		c.drop(c.byAge.Back().Value.(*cached[V]).file)
	}
}

// Drop forgets a file.
func (c *Cache[V]) Drop(f File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(f)
}

// Clear forgets all files.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = 0
	c.byAge.Init()
	clear(c.files)
}

func (c *Cache[V]) drop(f File) {
	if e := c.files[f]; e != nil {
		c.used -= e.Value.(*cached[V]).cost
		c.byAge.Remove(e)
		delete(c.files, f)
	}
}
