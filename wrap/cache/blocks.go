package cache

import (
	"bytes"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// blockCost is roughly the memory that a block takes in addition to its bytes.
const blockCost = 256

// blocks are the kept blocks of files. The least recently used are dropped first.
type blocks struct {
	size   int64 // of a block
	ttl    time.Duration
	bound  int64
	count  *counters
	listed func(layer.File) *stamp // what the kept listing says about a file; nil means nothing

	flights flow.Flights[run, [][]byte]

	mu    sync.Mutex
	used  int64
	byAge *simplelru.LRU[*block, struct{}]
	files map[layer.File]*known
	busy  map[layer.File]int // writes and deletions in progress
	all   int                // calls of DeleteAll in progress
	disk  *disk              // nil keeps blocks in memory
}

// known is what is kept of one version of a file. When the file changes, another one
// replaces it in blocks.files.
type known struct {
	file   layer.File
	blocks map[int64]*block
	since  time.Time
	users  int

	size   int64 // of the file, which is never empty; 0 until a block has shown it
	end    int64 // of the last block
	listed *stamp
}

// stamp is what a listing says about the version of a file.
type stamp struct {
	size int64
	at   time.Time
}

type block struct {
	of   *known
	n    int64
	len  int64
	data []byte // nil on a disk
	slot int64  // there
}

func newBlocks(cfg Config, count *counters, listed func(layer.File) *stamp) *blocks {
	byAge, _ := simplelru.NewLRU[*block, struct{}](math.MaxInt, nil) // fails for a size below 1 only
	return &blocks{size: int64(cfg.BlockSize), ttl: cfg.BlockTTL, bound: cfg.Size, count: count, listed: listed, byAge: byAge,
		files: make(map[layer.File]*known), busy: make(map[layer.File]int)}
}

// enter returns what is known of a file until leave is called. It returns nil while the file is
// written or deleted.
func (b *blocks) enter(f layer.File) *known {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all > 0 || b.busy[f] > 0 {
		return nil
	}
	k, listed := b.files[f], b.listed(f)
	if k != nil && k.changed(listed) {
		b.count.changed.Add(1)
		b.drop(f)
	} else if k != nil && time.Since(k.since) >= b.ttl {
		b.drop(f)
	}
	if k = b.files[f]; k == nil {
		k = &known{file: f, since: time.Now(), blocks: make(map[int64]*block), listed: listed}
		b.files[f] = k
	}
	k.users++
	return k
}

func (b *blocks) leave(k *known) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k.users--
	b.prune(k)
}

// prune removes a file without blocks.
func (b *blocks) prune(k *known) {
	if k.users == 0 && len(k.blocks) == 0 && b.files[k.file] == k {
		delete(b.files, k.file)
	}
}

// get returns a block if it is known. A block after the end of the file is empty.
func (b *blocks) get(k *known, n int64) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k.size > 0 && n*b.size >= k.size {
		return nil, true
	}
	it := k.blocks[n]
	if it == nil {
		return nil, false
	}
	b.byAge.Get(it) // now the youngest
	if b.disk == nil {
		return it.data, true
	}
	b.mu.Unlock()
	data, err := b.load(it)
	b.mu.Lock()
	return data, err == nil && k.blocks[n] == it // else its slot may have another block
}

// put keeps a block that was read. If it contradicts the file's other blocks, it drops
// all of them.
func (b *blocks) put(k *known, n int64, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.files[k.file] != k {
		return
	}
	if !b.fits(k, n, data) {
		b.count.changed.Add(1)
		b.drop(k.file)
		return
	}
	if k.blocks[n] == nil && len(data) > 0 {
		b.insert(k, n, data)
	}
}

// fits reports whether a block is of the known version of its file, and records the size it shows.
func (b *blocks) fits(k *known, n int64, data []byte) bool {
	end := n*b.size + int64(len(data))
	short := int64(len(data)) < b.size
	switch {
	case len(data) == 0 && k.end < end:
		return k.size <= end // the file ends somewhere before
	case k.size > 0 && (end > k.size || short && end != k.size), short && end < k.end:
		return false
	}
	if kept := k.blocks[n]; kept != nil {
		if was, err := b.load(kept); err != nil || !bytes.Equal(was, data) {
			return false
		}
	}
	if k.end = max(k.end, end); short {
		k.size = end
	}
	return true
}

// load returns the bytes of a block.
func (b *blocks) load(it *block) ([]byte, error) {
	if b.disk == nil {
		return it.data, nil
	}
	return b.disk.read(it.slot, it.len)
}

// insert makes room for a block and keeps it.
func (b *blocks) insert(k *known, n int64, data []byte) {
	it := &block{of: k, n: n, len: int64(len(data)), data: data}
	for b.used+b.cost(it) > b.bound {
		oldest, _, _ := b.byAge.GetOldest()
		b.count.evicted.Add(1)
		b.remove(oldest)
	}
	if b.disk != nil {
		var err error
		if it.slot, err = b.disk.write(data); err != nil {
			b.count.failed.Add(1)
			return
		}
		it.data = nil
	}
	b.used += b.cost(it)
	k.blocks[n] = it
	b.byAge.Add(it, struct{}{})
}

// cost returns what a block adds to b.used.
func (b *blocks) cost(it *block) int64 {
	if b.disk == nil {
		return it.len + blockCost
	}
	return b.size
}

func (b *blocks) remove(it *block) {
	b.byAge.Remove(it)
	delete(it.of.blocks, it.n)
	b.used -= b.cost(it)
	if b.disk != nil {
		b.disk.remove(it.slot)
	}
	b.prune(it.of)
}

// drop removes a file. Calls between enter and leave no longer use the cache.
func (b *blocks) drop(f layer.File) {
	k := b.files[f]
	if k == nil {
		return
	}
	for _, it := range k.blocks {
		b.remove(it)
	}
	delete(b.files, f)
}

// begin and end enclose a write or a deletion of a file.
func (b *blocks) begin(f layer.File) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy[f]++
	b.drop(f)
}

func (b *blocks) end(f layer.File) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy[f]--; b.busy[f] == 0 {
		delete(b.busy, f)
	}
}

// clear removes all files; under is 1 before DeleteAll and -1 after it.
func (b *blocks) clear(under int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all += under
	for f := range b.files {
		b.drop(f)
	}
}

// changed reports whether a listing shows another version of the file than the kept one.
func (k *known) changed(listed *stamp) bool {
	switch {
	case listed == nil, k.listed != nil && k.listed.size == listed.size && k.listed.at.Equal(listed.at):
		return false
	case k.listed != nil:
		return true
	}
	k.listed = listed
	return k.size > 0 && k.size != listed.size || k.end > listed.size
}
