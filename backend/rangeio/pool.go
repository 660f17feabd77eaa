package rangeio

import (
	"cmp"
	"io"
	"slices"
	"sync"
	"time"
)

// Defaults of a Pool: 16 ranges of 4 MiB at a time, in memory that is within what the
// conformance suite allows for a transfer.
const (
	DefaultPoolMemory   = 32 << 20
	DefaultPoolRequests = 16
)

// blocksOfRange is how many blocks a range of full size has.
const blocksOfRange = 16

// Pool limits the memory and the concurrent requests of all parallel reads that use it.
// Its memory is divided into blocks. A range gets a block when its response starts, and
// the next one when that is full; a block is free again when its bytes are read. Ranges
// that arrive at the same time thus need half of their size on average: all of them
// together are twice the memory.
//
// So that no block waits for a store, half as many requests as may be received at a time
// are sent in advance. Of a reader's ranges, those that it reads first get blocks. Free
// blocks go to the reader with the most bytes left in relation to what it holds: a large
// file among small ones gets nearly all.
//
// A Pool is safe for concurrent use. It starts no goroutine, and holds no
// memory while nothing is read in parallel.
type Pool struct {
	rangeSize int64
	blockSize int64
	blocks    int
	requests  int

	mu        sync.Mutex // also guards the schedule of each reader
	readers   []*Parallel
	slots     int // of all readers
	started   int // slots that have got a block
	receiving int // started slots whose responses have not ended
	held      int // blocks
	spare     [][]byte
}

// NewPool returns a pool of at most memory bytes in which at most so many responses are
// received at a time; half as many more requests may wait for their response. 0 means the
// default for either. Each range has 2*memory/requests bytes, and at least one; the first
// ranges of a transfer are smaller.
func NewPool(memory int64, requests int) *Pool {
	p := &Pool{requests: cmp.Or(max(requests, 0), DefaultPoolRequests)}
	memory = cmp.Or(max(memory, 0), DefaultPoolMemory)
	p.rangeSize = max(memory/int64(p.requests)*2, 1)
	p.blockSize = max(p.rangeSize/blocksOfRange, 1)
	p.blocks = int(max(memory/p.blockSize, 1))
	return p
}

var shared struct {
	sync.Mutex
	pools map[[2]int64]*Pool
}

// SharedPool is NewPool, but returns the same pool whenever it is called with the same
// arguments.
func SharedPool(memory int64, requests int) *Pool {
	p := NewPool(memory, requests)
	key := [2]int64{p.rangeSize, int64(p.requests)}
	shared.Lock()
	defer shared.Unlock()
	if known := shared.pools[key]; known != nil {
		return known
	}
	if shared.pools == nil {
		shared.pools = make(map[[2]int64]*Pool)
	}
	shared.pools[key] = p
	return p
}

// RangeSize returns the size in bytes of the ranges that a Parallel requests. A shorter
// transfer would not benefit from ranges.
func (p *Pool) RangeSize() int64 { return p.rangeSize }

// Requests returns how many ranges are received at a time. If it is 1, a Parallel is no
// better than a single request.
func (p *Pool) Requests() int { return p.requests }

// blocksFor returns how many blocks so many bytes need.
func (p *Pool) blocksFor(size int64) int { return int((size + p.blockSize - 1) / p.blockSize) }

// most returns how many blocks the range may have that a reader reads after i others. The
// ranges are thus full one after the other, and not all at the same time, for which the
// memory would not suffice.
func (p *Pool) most(i int) int {
	return max(blocksOfRange*(p.requests-i)/p.requests, 1)
}

// slot is a range that was requested.
type slot struct {
	from, size int64 // in the transfer

	begun chan struct{} // closed when the first byte has arrived, or err is set
	given chan struct{} // receives a value when empty has changed, or the reader continues without blocks
	more  chan struct{} // receives a value when full, or ended, has changed
	done  chan struct{} // closed when the slot's goroutine has returned

	// Guarded by the pool's mutex.
	answered bool     // the response has started
	started  bool     // it has got a block
	wants    int      // blocks
	empty    [][]byte // blocks to be filled
	full     [][]byte // blocks to be read
	held     int      // blocks, including those that are being filled or read
	claimed  bool     // by the reader: the slot no longer gets blocks
	ended    bool     // no more blocks will be full
	err      error
	body     io.ReadCloser // the rest of the response, once ended: nil if there is none
}

// signal wakes the goroutine that waits for c.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// enter allows r to have slots, until leave.
func (p *Pool) enter(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers = append(p.readers, r)
	p.share()
}

// claim is called when r starts reading a range at pos. It returns the range's slot, or nil
// if there is none: the caller must then read the range itself, up to end, and r gets no
// slot for it anymore.
func (p *Pool) claim(r *Parallel, pos int64) (s *slot, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.at = pos
	if len(r.ahead) > 0 {
		s, r.ahead = r.ahead[0], r.ahead[1:]
		s.claimed, s.wants = true, 0
		signal(s.given)
		return s, s.from + s.size
	}
	r.next = pos + r.nextSize()
	return nil, r.next
}

// answer is called when the response for a slot has started.
func (p *Pool) answer(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.answered = true
}

// fetch returns a block of a slot to be filled. If there is none, wait is true, and
// s.given gets a value when fetch should be called again. If the reader has claimed the
// slot, there is no block, and no wait.
func (p *Pool) fetch(s *slot) (block []byte, wait bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(s.empty) == 0 && !s.claimed {
		s.wants = max(s.wants, 1)
		p.share()
	}
	if len(s.empty) == 0 {
		return nil, !s.claimed
	}
	last := len(s.empty) - 1
	block, s.empty = s.empty[last], s.empty[:last]
	return block, false
}

// patience returns how long a response for r may wait for a block.
func (p *Pool) patience(r *Parallel) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.careful {
		return 0
	}
	return blockWait
}

// withdraw reports whether to close a response that has waited for a block, to release its
// connection. If so, the slot waits for all blocks of the rest, before they are requested
// again, and from now on, r gets the blocks of a range before it sends a request.
func (p *Pool) withdraw(r *Parallel, s *slot, rest int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.wants == 0 { // it has got a block, or the reader has claimed it
		return false
	}
	r.careful = true
	s.wants = p.blocksFor(rest)
	return true
}

// fill passes on a block that is full.
func (p *Pool) fill(s *slot, block []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.full = append(s.full, block)
	signal(s.more)
}

// end is called when no more blocks of a slot will be full. The reader reads the rest from
// body, or requests it, or there is an error.
func (p *Pool) end(s *slot, body io.ReadCloser, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.ended, s.body, s.err = true, body, err
	s.answered, s.wants = true, 0
	if s.started {
		p.receiving--
	}
	signal(s.more)
	p.share()
}

// next returns the next block of a slot to be read. If there is none, wait is true, and
// s.more gets a value when next should be called again. If the slot has ended, there is no
// block, and no wait.
func (p *Pool) next(s *slot) (block []byte, wait bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(s.full) == 0 {
		return nil, !s.ended
	}
	block, s.full = s.full[0], s.full[1:]
	return block, false
}

// failure returns the error of a slot that has ended.
func (p *Pool) failure(s *slot) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return s.err
}

// put returns a block that was read.
func (p *Pool) put(r *Parallel, s *slot, block []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(r, s, 1)
	p.spare = append(p.spare, block[:cap(block)])
	p.share()
}

// drop returns a slot of r, whose goroutine has returned, with its blocks.
func (p *Pool) drop(r *Parallel, s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(r, s)
	p.share()
}

// leave ends r's use of slots. After waiting for r.workers, none of its requests is
// running, and the slots that disown returns can be dropped.
func (p *Pool) leave(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers = slices.DeleteFunc(p.readers, func(other *Parallel) bool { return other == r })
}

// disown is like leave, but returns the slots of the ranges that r would have read next,
// which r must drop itself.
func (p *Pool) disown(r *Parallel) []*slot {
	p.leave(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	slots := r.ahead
	r.ahead = nil
	return slots
}

func (p *Pool) free(r *Parallel, s *slot) {
	for _, blocks := range [][][]byte{s.empty, s.full} {
		for _, block := range blocks {
			p.spare = append(p.spare, block[:cap(block)])
		}
	}
	s.empty, s.full = nil, nil
	p.release(r, s, s.held)
	r.slots--
	p.slots--
	if s.started {
		p.started--
	}
}

func (p *Pool) release(r *Parallel, s *slot, blocks int) {
	s.held -= blocks
	r.held -= blocks
	p.held -= blocks
}

// share distributes free blocks to slots that want some, and free slots. p.mu must be
// held.
func (p *Pool) share() {
	for {
		free := p.blocks - p.held
		r := p.neediest(func(r *Parallel) (int, bool) { return r.held, r.waiting(free) != nil })
		if r == nil {
			break
		}
		p.give(r, r.waiting(free))
	}
	for p.slots < p.requests+p.requests/2 {
		free := p.blocks - p.held
		if free == 0 && p.slots-p.started >= p.requests/2 {
			break // what arrives would have to wait
		}
		r := p.neediest(func(r *Parallel) (int, bool) {
			return r.slots, r.wants() && (!r.careful || free >= p.blocksFor(r.nextSize()) && p.receiving < p.requests)
		})
		if r == nil {
			break
		}
		p.grant(r)
	}
	if p.slots == 0 {
		p.spare = nil
	}
}

// neediest returns the reader with the most left to read in relation to what it has, of
// those for which wants returns true, or nil if there is none.
func (p *Pool) neediest(wants func(*Parallel) (has int, ok bool)) (best *Parallel) {
	most := 0
	for _, r := range p.readers {
		has, ok := wants(r)
		if ok && (best == nil || r.left()*int64(most+1) > best.left()*int64(has+1)) {
			best, most = r, has
		}
	}
	return best
}

// give assigns the blocks to a slot of r that it wants.
func (p *Pool) give(r *Parallel, s *slot) {
	for range s.wants {
		var block []byte
		if last := len(p.spare) - 1; last >= 0 {
			block, p.spare = p.spare[last], p.spare[:last]
		} else {
			block = make([]byte, p.blockSize)
		}
		s.empty = append(s.empty, block)
	}
	p.release(r, s, -s.wants)
	s.wants = 0
	if !s.started {
		s.started = true
		p.started++
		p.receiving++
	}
	signal(s.given)
}

// grant assigns a slot to r, and starts to fill it.
func (p *Pool) grant(r *Parallel) {
	s := &slot{from: r.next, size: r.nextSize(),
		begun: make(chan struct{}), given: make(chan struct{}, 1), more: make(chan struct{}, 1), done: make(chan struct{})}
	if r.careful {
		s.wants = p.blocksFor(s.size)
		p.give(r, s)
	}
	r.ahead = append(r.ahead, s)
	r.next += s.size
	r.slots++
	r.granted++
	p.slots++
	r.workers.Go(func() {
		defer close(s.done)
		r.fill(s)
	})
}
