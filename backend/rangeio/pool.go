package rangeio

import (
	"cmp"
	"sync"
)

// Defaults of a Pool: 16 ranges of 2 MiB, within what the suite allows a transfer to hold in
// memory. Of the same memory, more and smaller ranges are faster, because a buffer also waits for
// its request's answer: 20 ms away, with 50 MB/s a connection, 16 of 2 MiB take 2.2 s for 1 GiB,
// 8 of 4 MiB 3.5 s.
const (
	DefaultPoolMemory   = 32 << 20
	DefaultPoolRequests = 16
)

// Pool is what the parallel reads of a process may use together: memory, and
// requests at once. It is cut in buffers of one size, each of which is filled
// by one request and held until its bytes are read. Whenever a buffer is free,
// it goes to the reader that has the most bytes left to read for each buffer
// it holds: a large file among small ones gets nearly all of them.
//
// A Pool is safe for concurrent use. It starts no goroutine, and holds no
// memory while nothing is read in parallel.
type Pool struct {
	rangeSize int64
	buffers   int

	mu      sync.Mutex // also guards the schedule of each reader
	readers []*Parallel
	held    int
	spare   [][]byte
}

// NewPool returns a pool of at most memory bytes and requests at once; for
// either, 0 means the default. Each range is of memory/requests bytes, and at
// least one.
func NewPool(memory int64, requests int) *Pool {
	p := &Pool{buffers: cmp.Or(max(requests, 0), DefaultPoolRequests)}
	p.rangeSize = max(cmp.Or(max(memory, 0), DefaultPoolMemory)/int64(p.buffers), 1)
	return p
}

var shared struct {
	sync.Mutex
	pools map[[2]int64]*Pool
}

// SharedPool returns the one pool of this process that has these bounds, as
// NewPool has them.
func SharedPool(memory int64, requests int) *Pool {
	p := NewPool(memory, requests)
	key := [2]int64{p.rangeSize, int64(p.buffers)}
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

// RangeSize is the size in bytes of the ranges that a Parallel asks for.
func (p *Pool) RangeSize() int64 { return p.rangeSize }

// Requests is how many ranges are asked for at once. With 1 there is nothing
// that a Parallel could do better than one request.
func (p *Pool) Requests() int { return p.buffers }

// slot is a buffer that is being filled with one part, or holds it.
type slot struct {
	part  int64
	buf   []byte
	err   error
	begun chan struct{} // closed when the first byte has come, or err is set
	done  chan struct{} // closed when buf is filled, or err is set
}

// enter lets r have buffers, until leave.
func (p *Pool) enter(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers = append(p.readers, r)
	p.share()
}

// claim tells that r reads the part now. It returns the part's slot, or nil if
// the part has none: the caller reads it by itself, and r gets no buffer for it
// any more.
func (p *Pool) claim(r *Parallel, part int64) *slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.at = part
	if len(r.ahead) > 0 && r.ahead[0].part == part {
		s := r.ahead[0]
		r.ahead = r.ahead[1:]
		return s
	}
	r.next = max(r.next, part+1)
	return nil
}

// put gives back a slot of r.
func (p *Pool) put(r *Parallel, s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(r, s)
	p.share()
}

// leave ends r's claim on buffers. None of its requests runs any more, once
// r.workers has been waited for: then release gives back what they filled.
func (p *Pool) leave(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.readers {
		if other == r {
			p.readers = append(p.readers[:i:i], p.readers[i+1:]...)
		}
	}
}

// disown is leave, and returns the slots of the parts that r would have read next, which r
// gives back itself.
func (p *Pool) disown(r *Parallel) []*slot {
	p.leave(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	slots := r.ahead
	r.ahead = nil
	return slots
}

func (p *Pool) release(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range r.ahead {
		p.free(r, s)
	}
	r.ahead = nil
	p.share()
}

func (p *Pool) free(r *Parallel, s *slot) {
	r.held--
	p.held--
	p.spare = append(p.spare, s.buf[:cap(s.buf)])
	s.buf = nil
}

// share hands out the free buffers. p.mu is held.
func (p *Pool) share() {
	for p.held < p.buffers {
		var best *Parallel
		for _, r := range p.readers {
			if r.wants() && (best == nil || r.left()*int64(best.held+1) > best.left()*int64(r.held+1)) {
				best = r
			}
		}
		if best == nil {
			break
		}
		p.grant(best)
	}
	if p.held == 0 {
		p.spare = nil
	}
}

// grant gives r a buffer, and begins to fill it.
func (p *Pool) grant(r *Parallel) {
	var buf []byte
	if last := len(p.spare) - 1; last >= 0 {
		buf, p.spare = p.spare[last], p.spare[:last]
	} else {
		buf = make([]byte, p.rangeSize)
	}
	s := &slot{part: r.next, begun: make(chan struct{}), done: make(chan struct{})}
	offset := s.part * p.rangeSize
	s.buf = buf[:min(p.rangeSize, r.cfg.Size-offset)]
	r.ahead = append(r.ahead, s)
	r.next++
	r.held++
	p.held++
	r.workers.Go(func() {
		s.err = r.fetch(offset, s)
		close(s.done)
	})
}
