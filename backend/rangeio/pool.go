package rangeio

import (
	"cmp"
	"io"
	"sync"
)

// Defaults of a Pool: 16 ranges of 2 MiB, which is within the memory that the conformance
// suite allows for a transfer.
const (
	DefaultPoolMemory   = 32 << 20
	DefaultPoolRequests = 16
)

// Pool limits the memory and the concurrent requests of all parallel reads that use it.
// Its memory is divided into buffers of one size, each of which is filled by one request
// and held until its bytes are read. So that no buffer waits for a store, a request gets
// its buffer when its response starts, and half as many requests as there are buffers are
// sent in advance. Of a reader's parts, those that it reads first get buffers. Free
// buffers go to the reader with the most bytes left in relation to what it holds: a large
// file among small ones gets nearly all.
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

// NewPool returns a pool of at most memory bytes in which at most so many responses are
// received at a time; half as many more requests may wait for their response. 0 means the
// default for either. Each range has memory/requests bytes, and at least one.
func NewPool(memory int64, requests int) *Pool {
	p := &Pool{buffers: cmp.Or(max(requests, 0), DefaultPoolRequests)}
	p.rangeSize = max(cmp.Or(max(memory, 0), DefaultPoolMemory)/int64(p.buffers), 1)
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

// RangeSize returns the size in bytes of the ranges that a Parallel requests.
func (p *Pool) RangeSize() int64 { return p.rangeSize }

// Requests returns how many ranges are received at a time. If it is 1, a Parallel is no
// better than a single request.
func (p *Pool) Requests() int { return p.buffers }

// slot is a part that was requested.
type slot struct {
	part  int64
	begun chan struct{} // closed when the first byte has arrived, or err is set
	given chan struct{} // closed when buf is set, or the reader continues without it
	done  chan struct{} // closed when buf is filled, err is set, or the reader continues without it
	err   error

	// Guarded by the pool's mutex.
	buf     []byte        // nil while there is none
	waits   bool          // the response has started, and gets the next buffer
	body    io.ReadCloser // the response, until it is read into buf
	claimed bool          // by the reader: the slot no longer gets a buffer
}

// enter allows r to have slots, until leave.
func (p *Pool) enter(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readers = append(p.readers, r)
	p.share()
}

// claim is called when r starts reading a part. It returns the part's slot, or nil if
// there is none: the caller must then read the part itself, and r gets no slot for it
// anymore. If the slot has no buffer, the caller gets its response, in body, as soon as it
// has started.
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

// answered is called when the response for a slot has started. Without a buffer, the slot
// waits for one, or the reader that waits for the slot gets the response.
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

// withdraw gives up a response that has waited for a buffer, to release its connection. It
// returns the body to close. From now on, r gets a buffer before it sends a request.
func (p *Pool) withdraw(r *Parallel, s *slot) (body io.ReadCloser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.buf == nil && !s.claimed {
		body, s.body = s.body, nil
		r.careful = true
	}
	return body
}

// take returns the buffer of a slot and the response to read into it, which is nil if it was
// withdrawn. If the reader has claimed the slot, there is no buffer.
func (p *Pool) take(s *slot) (buf []byte, body io.ReadCloser) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.buf != nil {
		body, s.body = s.body, nil
	}
	return s.buf, body
}

// put returns a slot of r, whose request has ended or belongs to the caller.
func (p *Pool) put(r *Parallel, s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(r, s)
	p.share()
}

// leave ends r's use of slots. After waiting for r.workers, none of its requests is
// running, and release returns their buffers.
func (p *Pool) leave(r *Parallel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.readers {
		if other == r {
			p.readers = append(p.readers[:i:i], p.readers[i+1:]...)
		}
	}
}

// disown is like leave, but returns the slots of the parts that r would have read next,
// which r must return itself.
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

// share distributes free buffers to responses that wait for one, and free slots. p.mu must
// be held.
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

// give assigns a buffer to a slot of r.
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

// grant assigns a slot to r, and starts to fill it.
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
