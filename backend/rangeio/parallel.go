package rangeio

import (
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
// read as it comes, too: a transfer never waits for another one.
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
	alone   bool          // body is read to its end
	current *slot         // what is being read instead of body
	unread  []byte        // of current
	err     error         // what every further Read returns

	// The schedule, guarded by the pool's mutex.
	at    int64   // the part that is being read
	next  int64   // the first part that no slot has been given for
	ahead []*slot // of parts that follow each other
	held  int     // slots, the current one included
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

// wants and left are called by the pool, which holds its mutex.
func (p *Parallel) wants() bool { return p.next*p.cfg.Pool.rangeSize < p.cfg.Size }

func (p *Parallel) left() int64 { return p.cfg.Size - p.at*p.cfg.Pool.rangeSize }

// fetch fills a slot with its part, from offset.
func (p *Parallel) fetch(offset int64, s *slot) error {
	body := p.cfg.Open(p.ranges, p.cfg.Offset+offset, int64(len(s.buf)))
	defer body.Close()
	n, err := io.ReadAtLeast(body, s.buf, 1)
	close(s.begun)
	if err == nil {
		_, err = io.ReadFull(body, s.buf[n:])
	}
	return err
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
	size := p.cfg.Pool.rangeSize
	part := p.pos / size
	p.end = min(p.pos+size, p.cfg.Size)
	if p.alone {
		return nil
	}
	p.current = p.cfg.Pool.claim(p, part)
	if p.current != nil && p.pos < p.bodyEnd && !p.current.begins(p.ctx) {
		p.goAlone()
		return nil
	}
	if p.current == nil {
		if p.pos == p.bodyEnd {
			p.closeBody()
			p.body, p.bodyEnd = p.cfg.Open(p.ctx, p.cfg.Offset+p.pos, p.end-p.pos), p.end
		}
		return nil
	}
	select {
	case <-p.current.done:
	case <-p.ctx.Done():
		return flow.Err(p.ctx)
	}
	err := p.current.err
	if p.pos < p.bodyEnd && errors.Is(err, errors.ErrUnsupported) {
		p.cfg.Pool.leave(p)
		p.drop()
		return nil
	}
	p.closeBody()
	p.bodyEnd = p.pos
	p.unread = p.current.buf
	return err
}

// hesitation is how long a body that could go on waits for the answer to a range to begin. The
// range may wait for a connection, and that may be the one of a body that waits.
const hesitation = 2 * time.Second

func (s *slot) begins(ctx context.Context) bool {
	select {
	case <-s.begun:
		return true
	default:
	}
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
	p.alone = true
	p.endRanges()
	for _, s := range append(p.cfg.Pool.disown(p), p.current) {
		p.workers.Go(func() {
			<-s.done
			p.cfg.Pool.put(p, s)
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
		p.cfg.Pool.put(p, p.current)
		p.current, p.unread = nil, nil
	}
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
