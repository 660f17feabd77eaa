package rangeio

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// ParallelConfig is a transfer with an open body, whose later parts are to be read
// concurrently.
type ParallelConfig struct {
	// Body returns the reader of the whole transfer, which ends with ctx. It is
	// read up to the first part that was requested separately, and then closed.
	Body func(ctx context.Context) io.ReadCloser

	// Offset is where in the file the transfer starts, and Size its length.
	Offset, Size int64

	// Pool limits the requests and the memory of all transfers that use it.
	Pool *Pool

	// Open returns a reader of a part of the same version of the file, which
	// returns exactly as many bytes, or an error. It sends no request before the
	// first Read. If that fails with errors.ErrUnsupported, for a store that ignores
	// ranges, and no other part was read, Body is used for the rest.
	Open func(ctx context.Context, offset, length int64) io.ReadCloser
}

// Parallel reads the start of a body directly, and at the same time the ranges after it
// into blocks of a Pool. A range that is read before it has arrived continues without
// blocks, and one without a slot is requested when it is read: a transfer never waits for
// another. The first ranges are smaller, so that they arrive one after the other. A response
// that waits a second for a block is closed, to release its connection.
//
// Read must be called by one goroutine at a time; Close may be called at any time.
type Parallel struct {
	cfg     ParallelConfig
	ctx     context.Context
	cancel  context.CancelCauseFunc
	workers sync.WaitGroup

	ranges    context.Context // of the requests for ranges
	endRanges context.CancelFunc

	mu      sync.Mutex    // held while reading
	entered bool          // the pool knows of this reader
	pos     int64         // of the next byte, in the transfer
	end     int64         // of the range that is being read
	body    io.ReadCloser // nil if there is none
	bodyEnd int64         // end of body
	current *slot         // being read instead of body
	block   []byte        // of current, or nil
	unread  []byte        // of block
	err     error         // returned by every further Read

	// The schedule, guarded by the pool's mutex.
	at      int64   // start of the range that is being read
	next    int64   // end of the last range that has a slot, or was read without
	ahead   []*slot // of consecutive ranges
	granted int     // slots so far
	slots   int     // including the current one
	held    int     // blocks
	careful bool    // slots get their blocks before their request
}

// NewParallel returns the reader of a transfer. ctx must live as long as the reader is
// used. Only Body is opened before the first Read. The reader must be closed; until then
// it may hold blocks of the pool.
func NewParallel(ctx context.Context, cfg ParallelConfig) *Parallel {
	p := &Parallel{cfg: cfg, bodyEnd: cfg.Size}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	p.ranges, p.endRanges = context.WithCancel(p.ctx)
	p.body = cfg.Body(p.ctx)
	p.next = min(max(cfg.Pool.rangeSize/2, 1), cfg.Size)
	p.end = p.next
	return p
}

// wants, left, nextSize and waiting are called by the pool, which holds its mutex.
func (p *Parallel) wants() bool { return p.next < p.cfg.Size }

func (p *Parallel) left() int64 { return p.cfg.Size - p.at }

// nextSize returns the size of the next range. The first has a quarter of the full size,
// and each of the others a block more than the one before. Ranges that get their blocks
// before their request have half of the full size, so that there may be as many of them.
func (p *Parallel) nextSize() int64 {
	pool := p.cfg.Pool
	size := min(pool.blockSize*int64(blocksOfRange/4+p.granted), pool.rangeSize)
	if p.careful {
		size = max(pool.rangeSize/2, 1)
	}
	return min(size, p.cfg.Size-p.next)
}

// waiting returns the first slot that wants blocks which are free, or nil. It reserves
// free blocks for each earlier slot whose response has not started: the reader needs those
// ranges first, and frees no block before.
func (p *Parallel) waiting(free int) *slot {
	pool := p.cfg.Pool
	for i, s := range p.ahead {
		switch {
		case s.wants > 0 && !s.started && pool.receiving >= pool.requests:
		case s.wants == 1 && s.held >= pool.most(i):
		case s.wants > 0 && s.wants <= free:
			return s
		case s.wants > 0:
			return nil
		case !s.answered:
			free -= pool.blocksFor(s.size)
		}
	}
	return nil
}

// Read implements io.Reader.
func (p *Parallel) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && len(b) == 0 {
		return 0, nil
	}
	n := 0
	if p.err == nil {
		n, p.err = p.read(b)
	}
	if p.err != nil {
		if context.Cause(p.ctx) == errClosed {
			p.err = errClosed
		}
		p.cfg.Pool.leave(p)
		p.cancel(p.err)
		return 0, p.err
	}
	return n, nil
}

// read reads bytes, or returns an error.
func (p *Parallel) read(b []byte) (int, error) {
	if !p.entered && p.pos >= p.cfg.Pool.blockSize { // a caller that only needs a header costs one request
		p.entered = true
		p.cfg.Pool.enter(p)
	}
	if p.pos == p.cfg.Size {
		return p.readEnd()
	}
	if p.pos == p.end {
		if err := p.begin(); err != nil {
			return 0, err
		}
	}
	if p.current != nil {
		if n, err := p.readSlot(b); n > 0 || err != nil {
			return n, err
		}
	}
	n, err := p.body.Read(b[:min(int64(len(b)), p.end-p.pos)])
	p.pos += int64(n)
	return n, err
}

// begin starts the range at pos.
func (p *Parallel) begin() error {
	more := p.pos < p.bodyEnd // the range is in the open body
	if !more {
		p.closeBody() // the range may be waiting for its connection
	}
	s, end := p.cfg.Pool.claim(p, p.pos)
	p.current, p.end = s, end
	switch {
	case s == nil && more:
		return nil
	case s == nil:
		p.follow(nil)
		return nil
	case more && !s.begins(p.ctx):
		p.goAlone()
		return nil
	}
	if err := flow.Err(p.ctx); err != nil {
		return err
	}
	if more && errors.Is(p.cfg.Pool.failure(s), errors.ErrUnsupported) {
		p.goAlone()
		return nil
	}
	p.closeBody()
	p.bodyEnd = p.pos
	return nil
}

// readSlot reads from the current slot. It returns no byte if the rest of the range is read
// from body.
func (p *Parallel) readSlot(b []byte) (int, error) {
	for len(p.unread) == 0 {
		block, wait := p.cfg.Pool.next(p.current)
		if p.block = block; block != nil {
			p.unread = block
			break
		}
		if !wait {
			if err := cmp.Or(p.current.err, flow.Err(p.ctx)); err != nil {
				return 0, err
			}
			body := p.current.body
			p.current.body = nil
			p.drop()
			p.follow(body)
			return 0, nil
		}
		select {
		case <-p.current.more:
		case <-p.ctx.Done():
			return 0, flow.Err(p.ctx)
		}
	}
	n := copy(b, p.unread)
	p.unread = p.unread[n:]
	p.pos += int64(n)
	if len(p.unread) == 0 {
		p.cfg.Pool.put(p, p.current, p.block)
		p.block = nil
	}
	if p.pos == p.end {
		p.drop()
	}
	return n, nil
}

// follow reads the rest of a range directly: from body, or with a request of its own.
func (p *Parallel) follow(body io.ReadCloser) {
	p.closeBody()
	if body == nil {
		body = p.request(p.ctx, p.pos, p.end)
	}
	p.body, p.bodyEnd = body, p.end
}

// hesitation is how long a body that could continue waits for the response to a range to
// start. The range may be waiting for the connection of that body.
const hesitation = 2 * time.Second

func (s *slot) begins(ctx context.Context) bool {
	timer := time.NewTimer(hesitation)
	defer timer.Stop()
	select {
	case <-s.begun:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
		return true // which is read next
	}
}

// goAlone reads the rest from the body. Each slot is dropped when its request has ended.
func (p *Parallel) goAlone() {
	p.endRanges()
	for _, s := range append(p.cfg.Pool.disown(p), p.current) {
		p.workers.Go(func() { p.giveBack(s) })
	}
	p.current = nil
}

// readEnd returns io.EOF, or the error at the end of the last body.
func (p *Parallel) readEnd() (int, error) {
	if p.body == nil {
		return 0, io.EOF
	}
	var excess [1]byte
	_, err := p.body.Read(excess[:])
	return 0, err
}

// drop releases the slot that is being read, if there is one.
func (p *Parallel) drop() {
	if p.current != nil {
		p.giveBack(p.current)
		p.current, p.block, p.unread = nil, nil, nil
	}
}

// giveBack drops a slot that the pool no longer knows as the reader's, once its goroutine has
// returned.
func (p *Parallel) giveBack(s *slot) {
	<-s.done
	if s.body != nil {
		s.body.Close()
	}
	p.cfg.Pool.drop(p, s)
}

func (p *Parallel) closeBody() {
	if p.body != nil {
		p.body.Close()
		p.body = nil
	}
}

// Close implements io.Closer. It ends a blocked Read and waits for every
// request. It returns nil, and may be called again.
func (p *Parallel) Close() error {
	p.cancel(errClosed)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeBody()
	ahead := p.cfg.Pool.disown(p)
	p.workers.Wait()
	for _, s := range ahead {
		p.giveBack(s)
	}
	p.drop()
	p.err = errClosed
	return nil
}
