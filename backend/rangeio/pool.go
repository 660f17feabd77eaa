package rangeio

import (
	"cmp"
	"io"
	"sync"
)

// Defaults of a Pool: 16 ranges of 2 MiB, within what the suite allows a transfer to hold in
// memory.
const (
	DefaultPoolMemory   = 32 << 20
	DefaultPoolRequests = 16
)

// Pool is what the parallel reads of a process may use together: memory, and
// requests at once. It is cut in buffers of one size, each of which is filled
// by one request and held until its bytes are read. So that no buffer waits for a
// store, a request gets its buffer when its answer begins, and half as many more
// requests as there are buffers are sent ahead. The buffers are for those of a reader's
// parts that it comes to first. Whatever is free goes to the reader
// that has the most bytes left to read for what it holds: a large file among small
// ones gets nearly all.
//
// A Pool is safe for concurrent use. It starts no goroutine, and holds no
// memory while nothing is read in parallel.
type Pool struct {
	rangeSize int64
	buffers   int

	mu      sync.Mutex // also guards the schedule of each reader
	readers []*Parallel
	slots   int // of all readers
	held    int // slots with a buffer
	spare   [][]byte
}

// NewPool returns a pool of at most memory bytes, in which at most so many requests are
// received at once; half as many more may wait for their answer. For either, 0 means the
// default. Each range is of memory/requests bytes, and at least one.
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

// Requests is how many ranges are received at once. With 1 there is nothing
// that a Parallel could do better than one request.
func (p *Pool) Requests() int { return p.buffers }

// slot is a part that has been asked for.
type slot struct {
	part  int64
	begun chan struct{} // closed when the first byte has come, or err is set
	given chan struct{} // closed when buf is set, or the reader goes on without
	done  chan struct{} // closed when buf is filled, err is set, or the reader goes on without
	err   error

	// Guarded by the pool's mutex.
	buf     []byte        // nil while there is none
	waits   bool          // the answer has begun, and gets the next buffer
	body    io.ReadCloser // that answer, until it is read into buf
	claimed bool          // by the reader: the slot gets no buffer any more
}

// enter lets r have slots, until leave.
func (p *Pool) enter(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers = append(p.readers, r)
	p.share()
}

// claim tells that r reads the part now. It returns the part's slot, or nil if
// the part has none: the caller reads it by itself, and r gets no slot for it
// any more. If the slot has no buffer, its answer is for the caller, in body, as soon as
// it has begun.
func (p *Pool) claim(r *Parallel, part int64) *slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.at = part
	if len(r.ahead) > 0 && r.ahead[0].part == part {
		s := r.ahead[0]
		r.ahead = r.ahead[1:]
		s.claimed = true
		if s.waits {
			close(s.given)
		}
		return s
	}
	r.next = max(r.next, part+1)
	return nil
}

// answered tells that the answer for a slot has begun. Without a buffer the slot waits for
// one, or the reader that waits for the slot gets the answer.
func (p *Pool) answered(s *slot, body io.ReadCloser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s.body = body; {
	case s.buf != nil:
	case s.claimed:
		close(s.given)
	default:
		s.waits = true
		p.share()
	}
}

// withdraw ends an answer that has waited for a buffer in vain, so that its connection
// serves another: it returns what is to be closed. From now on r has a buffer before it
// asks.
func (p *Pool) withdraw(r *Parallel, s *slot) (body io.ReadCloser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.buf == nil && !s.claimed {
		body, s.body = s.body, nil
		r.careful = true
	}
	return body
}

// take returns the buffer of a slot that has been given one, and the answer to read into it:
// nil if that was withdrawn. If the reader has the slot, there is no buffer.
func (p *Pool) take(s *slot) (buf []byte, body io.ReadCloser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.buf != nil {
		body, s.body = s.body, nil
	}
	return s.buf, body
}

// put gives back a slot of r, whose request has ended or is the caller's.
func (p *Pool) put(r *Parallel, s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(r, s)
	p.share()
}

// leave ends r's claim on slots. None of its requests runs any more, once
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
	r.slots--
	p.slots--
	if s.buf != nil {
		r.held--
		p.held--
		p.spare = append(p.spare, s.buf[:cap(s.buf)])
		s.buf = nil
	}
}

// share hands out what is free: buffers to answers that wait for one, and slots. p.mu is
// held.
func (p *Pool) share() {
	for {
		free := p.buffers - p.held
		r := p.neediest(func(r *Parallel) (int, bool) { return r.held, r.waiting(free) != nil })
		if r == nil {
			break
		}
		s := r.waiting(free)
		s.waits = false
		p.give(r, s)
		close(s.given)
	}
	for p.slots < p.buffers+p.buffers/2 {
		r := p.neediest(func(r *Parallel) (int, bool) {
			return r.slots, r.wants() && (!r.careful || p.held < p.buffers)
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

// neediest returns the reader with the most left to read for what it has, of those for
// which wants is true; nil if there is none.
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

// give gives a slot of r a buffer.
func (p *Pool) give(r *Parallel, s *slot) {
	var buf []byte
	if last := len(p.spare) - 1; last >= 0 {
		buf, p.spare = p.spare[last], p.spare[:last]
	} else {
		buf = make([]byte, p.rangeSize)
	}
	s.buf = buf[:r.sizeOf(s.part)]
	r.held++
	p.held++
}

// grant gives r a slot, and begins to fill it.
func (p *Pool) grant(r *Parallel) {
	s := &slot{part: r.next, begun: make(chan struct{}), given: make(chan struct{}), done: make(chan struct{})}
	if r.careful {
		p.give(r, s)
		close(s.given)
	}
	r.ahead = append(r.ahead, s)
	r.next++
	r.slots++
	p.slots++
	r.workers.Go(func() {
		defer close(s.done)
		r.fill(s)
	})
}
