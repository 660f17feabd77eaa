package cache

import (
	"bytes"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/superfly/ltx"

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
	proven bool // blocks of an earlier process are those of the store
}

// stamp is what a listing says about the version of a file.
type stamp struct {
	size int64
	at   time.Time
}

func newKnown(f layer.File, since time.Time) *known {
	return &known{file: f, since: since, blocks: make(map[int64]*block)}
}

// at returns the place of a block on a disk.
func (k *known) at(n int64) spot { return spot{k.file, n, k.since.UnixMilli()} }

type block struct {
	of   *known
	n    int64
	data []byte // nil on a disk
	sum  uint32 // of it there
	cost int64
	old  bool // of an earlier process
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
	k := b.files[f]
	if k != nil && !fresh(k.since, b.ttl) {
		b.drop(f)
		k = nil
	}
	if k == nil {
		k = newKnown(f, time.Now())
		k.listed = b.listed(f)
		b.files[f] = k
	}
	k.users++
	return k
}

// fresh reports whether since is less than ttl ago. A time in the future is not: the clock
// was set back.
func fresh(since time.Time, ttl time.Duration) bool {
	age := time.Since(since)
	return age >= 0 && age < ttl
}

func (b *blocks) leave(k *known) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k.users--
	b.prune(k)
}

// prune removes a file of which nothing is kept.
func (b *blocks) prune(k *known) {
	if k.users == 0 && len(k.blocks) == 0 && b.files[k.file] == k {
		delete(b.files, k.file)
	}
}

// past reports whether the file is known to end before a block.
func (b *blocks) past(k *known, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return k.size > 0 && n*b.size >= k.size
}

// get returns a block, if it is kept and may be used.
func (b *blocks) get(k *known, n int64) ([]byte, bool) {
	b.mu.Lock()
	it := k.blocks[n]
	if it == nil || it.old && !k.proven {
		b.mu.Unlock()
		return nil, false
	}
	b.byAge.Get(it) // now the youngest
	b.mu.Unlock()
	data, err := b.load(it) // put removes it if this fails
	return data, err == nil
}

// load returns the bytes of a block, or an error if its file on the disk is damaged or missing.
func (b *blocks) load(it *block) ([]byte, error) {
	if b.disk == nil {
		return it.data, nil
	}
	return b.disk.read(it.of.at(it.n), it.sum)
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
		b.insert(&block{of: k, n: n, data: data})
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
		switch was, err := b.load(kept); {
		case err != nil:
			b.count.torn.Add(1)
			b.remove(kept)
		case !bytes.Equal(was, data):
			return false
		case kept.old:
			k.proven = true
		}
	}
	if k.end = max(k.end, end); short {
		k.size = end
	}
	return true
}

// insert makes room for a block and keeps it.
func (b *blocks) insert(it *block) {
	it.cost = int64(len(it.data))
	if b.disk == nil {
		it.cost += blockCost
	}
	b.makeRoom(it.cost)
	if b.disk != nil {
		var err error
		if it.sum, err = b.disk.write(it.of.at(it.n), it.data); err != nil {
			b.count.failed.Add(1)
			return
		}
		it.data = nil
	}
	b.add(it)
}

func (b *blocks) add(it *block) {
	b.used += it.cost
	it.of.blocks[it.n] = it
	b.byAge.Add(it, struct{}{})
}

func (b *blocks) makeRoom(cost int64) {
	for b.used+cost > b.bound {
		oldest, _, _ := b.byAge.GetOldest()
		b.count.evicted.Add(1)
		b.remove(oldest)
	}
}

func (b *blocks) remove(it *block) {
	b.byAge.Remove(it)
	delete(it.of.blocks, it.n)
	b.used -= it.cost
	if b.disk != nil {
		b.disk.remove(it.of.at(it.n), it.sum)
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

// seen drops a file that a listing shows to have changed.
func (b *blocks) seen(listed ltx.FileInfo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.files[layer.FileOf(&listed)]
	if k == nil {
		return
	}
	now := stamp{listed.Size, listed.CreatedAt}
	if k.listed != nil && (k.listed.size != now.size || !k.listed.at.Equal(now.at)) || k.size > 0 && k.size != now.size || k.end > now.size {
		b.count.changed.Add(1)
		b.drop(k.file)
		return
	}
	k.listed = &now
}

// adopt takes over the blocks of an earlier process, the oldest first. If two clients have
// kept the same file, the later one's blocks are used.
func (b *blocks) adopt() error {
	left, err := b.disk.scan(b.ttl)
	if err != nil {
		return err
	}
	for _, was := range left {
		k := b.files[was.file]
		if k != nil && (k.at(was.n) != was.spot || k.blocks[was.n] != nil) {
			b.drop(was.file)
			k = nil
		}
		if k == nil {
			k = newKnown(was.file, time.UnixMilli(was.since))
			b.files[was.file] = k
		}
		b.add(&block{of: k, n: was.n, sum: was.sum, cost: was.size, old: true})
	}
	b.makeRoom(0)
	return nil
}
