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

// ParallelConfig is a transfer whose body is open, and of which later parts
// are to be read at the same time.
type ParallelConfig struct {
	// Body returns the reader of the whole transfer, which ends with ctx. It
	// is read up to the first part that has been asked for by itself, and then
	// closed.
	Body func(ctx context.Context) io.ReadCloser

	// Offset is where in the file the transfer begins, and Size how long it
	// is.
	Offset, Size int64

	// Pool bounds the requests and the memory, together with those of every
	// other transfer that has it.
	Pool *Pool

	// Open reads a part of the same version of the file: exactly as many
	// bytes, or an error. It asks for nothing before the first Read. If that
	// is errors.ErrUnsupported, as of a store that ignores ranges, and nothing
	// has been read of another part, Body goes on.
	Open func(ctx context.Context, offset, length int64) io.ReadCloser
}

// Serial is how many ranges of a pool's size are read by one request before
// those after them are asked for in parallel. A transfer of no more has
// nothing to gain.
const Serial = 2

// patience is the part of a range that is read before others are asked for:
// a caller that wants no more than a header costs one request.
const patience = 8

// Parallel reads the beginning of a body as it comes, and meanwhile the parts
// after it into buffers of a Pool. A part that the pool has no buffer for is
// read as it comes, too: a transfer never waits for another one. An answer that waits a
// second for a buffer gives its connection back.
//
// Read is for one goroutine at a time; Close may be called at any time.
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
	bodyEnd int64         // how far body goes
	current *slot         // what is being read instead of body
	unread  []byte        // of current
	err     error         // what every further Read returns

	// The schedule, guarded by the pool's mutex.
	at      int64   // the part that is being read
	next    int64   // the first part that no slot has been given for
	ahead   []*slot // of parts that follow each other
	slots   int     // the current one included
	held    int     // slots with a buffer
	careful bool    // slots get a buffer before they ask
}

// NewParallel returns the reader of a transfer. ctx must live as long as the
// reader is used. Nothing but Body is asked for before the first Read. The
// reader must be closed; until then it may hold buffers of the pool.
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

// waiting returns the first slot whose answer waits for one of the free buffers, or nil. As
// many are kept as there are slots before it whose answers have not begun: the reader comes
// to those parts first, and no buffer is free again before it has.
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

// openPart returns the reader of one part, under a context of its own.
func (p *Parallel) openPart(ctx context.Context, part int64) io.ReadCloser {
	return p.cfg.Open(ctx, p.cfg.Offset+part*p.cfg.Pool.rangeSize, p.sizeOf(part))
}

// bufferWait is how long an answer waits for a buffer. Its connection may be the one that
// the reader waits for whose bytes are in the buffers.
const bufferWait = time.Second

// fill asks for a slot's part, and reads it into the buffer that the slot gets.
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

// withdraw closes the answer of a slot that gets no buffer, and waits for one to ask again.
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

// read returns bytes, or why there are none.
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

// begin goes on with the part at pos.
func (p *Parallel) begin() error {
	part := p.pos / p.cfg.Pool.rangeSize
	p.end = p.pos + p.sizeOf(part)
	more := p.pos < p.bodyEnd // of the body, for which the part needs no other
	if !more {
		p.closeBody() // its connection may be the one that the part waits for
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
		p.drop()
		p.follow(body, part)
		return nil
	}
	p.closeBody()
	p.bodyEnd = p.pos
	p.unread = s.buf
	return s.err
}

// follow reads a part as it comes: from body, or else by a request of its own.
func (p *Parallel) follow(body io.ReadCloser, part int64) {
	p.closeBody()
	if body == nil {
		body = p.openPart(p.ctx, part)
	}
	p.body, p.bodyEnd = body, p.end
}

// hesitation is how long a body that could go on waits for the answer to a range to begin. The
// range may wait for a connection, and that may be the one of a body that waits.
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
		return true // which is met next
	}
}

// goAlone leaves the rest to the body. Each buffer is given back when its request has ended.
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

// readEnd returns io.EOF, or what the end of the last body has to tell.
func (p *Parallel) readEnd() (int, error) {
	if p.body == nil {
		return 0, io.EOF
	}
	var excess [1]byte
	_, err := p.body.Read(excess[:])
	return 0, err
}

// drop gives back what is held of the part that is being read.
func (p *Parallel) drop() {
	if p.current != nil {
		p.giveBack(p.current)
		p.current, p.unread = nil, nil
	}
}

// giveBack ends a slot that the reader has claimed, and whose request has ended.
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
