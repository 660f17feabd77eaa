package rangeio

import (
	"bytes"
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

// Serial is how many ranges of a pool's size are read with one request before those
// after them are requested concurrently. Shorter transfers would not benefit.
const Serial = 2

// patience is the fraction of a range that is read before others are requested, so that
// a caller that only needs a header costs one request.
const patience = 8

// Parallel reads the start of a body directly, and at the same time the parts after it
// into buffers of a Pool. A part for which the pool has no buffer is read directly, too:
// a transfer never waits for another. A response that waits a second for a buffer is
// closed, to release its connection.
//
// Read must be called by one goroutine at a time; Close may be called at any time.
type Parallel struct {
	cfg     ParallelConfig
	ctx     context.Context
	cancel  context.CancelCauseFunc
	workers sync.WaitGroup

	ranges    context.Context // of the requests for parts
	endRanges context.CancelFunc

	mu      sync.Mutex    // held while reading
	entered bool          // the pool knows of this reader
	pos     int64         // of the next byte, in the transfer
	end     int64         // of the part that is being read
	body    io.ReadCloser // nil if there is none
	bodyEnd int64         // end of body
	current *slot         // being read instead of body
	unread  []byte        // of current
	err     error         // returned by every further Read

	// The schedule, guarded by the pool's mutex.
	at      int64   // the part that is being read
	next    int64   // the first part without a slot
	ahead   []*slot // of consecutive parts
	slots   int     // including the current one
	held    int     // slots with a buffer
	careful bool    // slots get a buffer before their request
}

// NewParallel returns the reader of a transfer. ctx must live as long as the reader is
// used. Only Body is opened before the first Read. The reader must be closed; until then
// it may hold buffers of the pool.
func NewParallel(ctx context.Context, cfg ParallelConfig) *Parallel {
	p := &Parallel{cfg: cfg, bodyEnd: cfg.Size, next: Serial}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	p.ranges, p.endRanges = context.WithCancel(p.ctx)
	p.body = cfg.Body(p.ctx)
	return p
}

// wants, left, waiting and sizeOf are called by the pool, which holds its mutex.
func (p *Parallel) wants() bool { return p.next*p.cfg.Pool.rangeSize < p.cfg.Size }

func (p *Parallel) left() int64 { return p.cfg.Size - p.at*p.cfg.Pool.rangeSize }

// waiting returns the first slot whose response waits for a buffer, or nil. It reserves a
// free buffer for each earlier slot whose response has not started: the reader needs those
// parts first, and frees no buffer before.
func (p *Parallel) waiting(free int) *slot {
	for _, s := range p.ahead {
		switch {
		case free <= 0:
			return nil
		case s.waits:
			return s
		case s.buf == nil:
			free--
		}
	}
	return nil
}

func (p *Parallel) sizeOf(part int64) int64 {
	return min(p.cfg.Pool.rangeSize, p.cfg.Size-part*p.cfg.Pool.rangeSize)
}

// openPart returns the reader of a part, with a context of its own.
func (p *Parallel) openPart(ctx context.Context, part int64) io.ReadCloser {
	return p.cfg.Open(ctx, p.cfg.Offset+part*p.cfg.Pool.rangeSize, p.sizeOf(part))
}

// bufferWait is how long a response waits for a buffer. The reader that holds the buffers
// may be waiting for its connection.
const bufferWait = time.Second

// fill requests a slot's part, and reads it into the buffer that the slot gets.
func (p *Parallel) fill(s *slot) {
	body := p.openPart(p.ranges, s.part)
	var first [1]byte
	if _, s.err = io.ReadFull(body, first[:]); s.err != nil {
		close(s.begun)
		body.Close()
		return
	}
	p.cfg.Pool.answered(s, struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(first[:]), body), body})
	close(s.begun)

	timer := time.NewTimer(bufferWait)
	defer timer.Stop()
	select {
	case <-s.given:
	case <-timer.C:
		p.withdraw(s)
	case <-p.ranges.Done():
		p.withdraw(s)
	}
	buf, body := p.cfg.Pool.take(s)
	if buf == nil {
		return
	}
	if body == nil {
		body = p.openPart(p.ranges, s.part)
	}
	defer body.Close()
	_, s.err = io.ReadFull(body, buf)
}

// withdraw closes the response of a slot that gets no buffer, and waits for a buffer before
// repeating the request.
func (p *Parallel) withdraw(s *slot) {
	if body := p.cfg.Pool.withdraw(p, s); body != nil {
		body.Close()
	}
	select {
	case <-s.given:
	case <-p.ranges.Done():
	}
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
	if !p.entered && p.pos >= p.cfg.Pool.rangeSize/patience {
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
	if p.current == nil {
		n, err := p.body.Read(b[:min(int64(len(b)), p.end-p.pos)])
		p.pos += int64(n)
		return n, err
	}
	n := copy(b, p.unread)
	p.unread = p.unread[n:]
	p.pos += int64(n)
	if len(p.unread) == 0 {
		p.drop()
	}
	return n, nil
}

// begin starts the part at pos.
func (p *Parallel) begin() error {
	part := p.pos / p.cfg.Pool.rangeSize
	p.end = p.pos + p.sizeOf(part)
	more := p.pos < p.bodyEnd // the part is in the open body
	if !more {
		p.closeBody() // the part may be waiting for its connection
	}
	s := p.cfg.Pool.claim(p, part)
	switch p.current = s; {
	case s == nil && more:
		return nil
	case s == nil:
		p.follow(nil, part)
		return nil
	case more && !s.begins(p.ctx):
		p.goAlone()
		return nil
	}
	select {
	case <-s.done:
	case <-p.ctx.Done():
		return flow.Err(p.ctx)
	}
	switch {
	case more && errors.Is(s.err, errors.ErrUnsupported):
		p.goAlone()
		return nil
	case s.err == nil && s.buf == nil:
		body := s.body
		s.body = nil
		p.closeBody() // dropping the slot may start another request
		p.drop()
		p.follow(body, part)
		return nil
	}
	p.closeBody()
	p.bodyEnd = p.pos
	p.unread = s.buf
	return s.err
}

// follow reads a part directly: from body, or with a request of its own.
func (p *Parallel) follow(body io.ReadCloser, part int64) {
	p.closeBody()
	if body == nil {
		body = p.openPart(p.ctx, part)
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

// goAlone reads the rest from the body. Each buffer is returned when its request has ended.
func (p *Parallel) goAlone() {
	p.endRanges()
	for _, s := range append(p.cfg.Pool.disown(p), p.current) {
		p.workers.Go(func() {
			<-s.done
			p.giveBack(s)
		})
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

// drop releases the part that is being read.
func (p *Parallel) drop() {
	if p.current != nil {
		p.giveBack(p.current)
		p.current, p.unread = nil, nil
	}
}

// giveBack releases a slot that the reader has claimed, and whose request has ended.
func (p *Parallel) giveBack(s *slot) {
	if s.body != nil {
		s.body.Close()
	}
	p.cfg.Pool.put(p, s)
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
	p.cfg.Pool.leave(p)
	p.closeBody()
	p.workers.Wait()
	p.drop()
	p.cfg.Pool.release(p)
	p.err = errClosed
	return nil
}
