package rangeio

import (
	"context"
	"io"
	"sync"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// ParallelConfig is a transfer whose beginning has been asked for and whose rest is
// to be read in parts, several at once.
type ParallelConfig struct {
	// First reads the first FirstSize bytes. It ends with the context that
	// Start was given, and is closed by the Parallel.
	First     func(ctx context.Context) io.ReadCloser
	FirstSize int64

	// Offset is where in the file the rest begins, and Size how long it is.
	Offset, Size int64

	// PartSize is what is asked for at once, and Concurrency how many requests
	// there are at once, First included. Concurrency buffers of PartSize are
	// in memory at the most.
	PartSize    int64
	Concurrency int

	// Open reads a part of the same version of the file: exactly as many
	// bytes, or an error. It asks for nothing before the first Read.
	Open func(ctx context.Context, offset, length int64) io.ReadCloser
}

// Parallel reads a first range as it comes, and meanwhile and then the parts
// after it. Each part has a lane, in turn; a lane has one buffer, in which it
// holds its next part until it has been read. Read is for one goroutine at a
// time; Close may be called at any time.
type Parallel struct {
	cfg     ParallelConfig
	ctx     context.Context
	cancel  context.CancelCauseFunc
	workers sync.WaitGroup

	mu      sync.Mutex // held while reading
	first   io.ReadCloser
	serial  int64 // what first still has
	left    int64 // what is still to come from the parts
	lanes   []lane
	next    int64  // the part that is to be read next
	current []byte // what is unread of the part before it
	err     error  // what every further Read returns
}

// NewParallel returns the reader of a transfer. ctx must live as long as the
// reader is used. Nothing but First is asked for before the first Read. The
// reader must be closed.
func NewParallel(ctx context.Context, cfg ParallelConfig) *Parallel {
	p := &Parallel{cfg: cfg, serial: cfg.FirstSize, left: cfg.Size}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	p.first = cfg.First(p.ctx)
	return p
}

// lane carries every len(lanes)-th part.
type lane struct {
	full  chan part
	empty chan struct{} // the part has been read
}

type part struct {
	data []byte
	err  error
}

// Read implements io.Reader.
func (p *Parallel) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && len(b) == 0 {
		return 0, nil
	}
	if p.err == nil && p.lanes == nil {
		p.start()
	}
	n := 0
	if p.err == nil {
		n, p.err = p.read(b)
	}
	if p.err != nil {
		if context.Cause(p.ctx) == errClosed {
			p.err = errClosed
		}
		p.cancel(p.err)
		return 0, p.err
	}
	return n, nil
}

// read returns bytes, or why there are none.
func (p *Parallel) read(b []byte) (int, error) {
	if p.serial > 0 {
		n, err := p.first.Read(b)
		if p.serial -= int64(n); p.serial == 0 {
			p.first.Close()
			p.lanes[0].empty <- struct{}{} // its connection is free
		}
		return n, err
	}
	if len(p.current) == 0 {
		if p.left == 0 {
			return 0, io.EOF
		}
		select {
		case got := <-p.lane(p.next).full:
			if got.err != nil {
				return 0, got.err
			}
			p.current = got.data
			p.next++
		case <-p.ctx.Done():
			return 0, flow.Err(p.ctx)
		}
	}
	n := copy(b, p.current)
	p.current = p.current[n:]
	p.left -= int64(n)
	if len(p.current) == 0 {
		p.lane(p.next - 1).empty <- struct{}{}
	}
	return n, nil
}

// lane returns that of a part. The first lane comes last: it waits until the
// first range is through, so that there is never one request too many.
func (p *Parallel) lane(part int64) lane { return p.lanes[(part+1)%int64(len(p.lanes))] }

// start begins to read ahead: not before somebody reads.
func (p *Parallel) start() {
	p.lanes = make([]lane, p.cfg.Concurrency)
	for i := range p.lanes {
		p.lanes[i] = lane{full: make(chan part), empty: make(chan struct{}, 1)}
	}
	size, end := p.cfg.PartSize, p.left
	parts := (end + size - 1) / size
	step := int64(len(p.lanes))
	for i := range step {
		begin := (i + step - 1) % step
		if begin >= parts {
			continue
		}
		p.workers.Go(func() { p.work(p.lanes[i], begin, step, end, i == 0) })
	}
}

// work reads every step-th part, beginning with begin; end is the length of
// all parts.
func (p *Parallel) work(lane lane, begin, step, end int64, wait bool) {
	size := p.cfg.PartSize
	var buf []byte
	for part := begin; part*size < end; part += step {
		if wait {
			select {
			case <-lane.empty:
			case <-p.ctx.Done():
				return
			}
		}
		wait = true
		n := min(size, end-part*size)
		if buf == nil {
			buf = make([]byte, n)
		}
		if !p.hand(lane, p.fetch(p.cfg.Offset+part*size, buf[:n])) {
			return
		}
	}
}

func (p *Parallel) fetch(offset int64, buf []byte) part {
	body := p.cfg.Open(p.ctx, offset, int64(len(buf)))
	defer body.Close()
	_, err := io.ReadFull(body, buf)
	return part{data: buf, err: err}
}

// hand gives a part to Read, and reports whether the lane goes on.
func (p *Parallel) hand(lane lane, part part) bool {
	select {
	case lane.full <- part:
		return part.err == nil
	case <-p.ctx.Done():
		return false
	}
}

// Close implements io.Closer. It ends a blocked Read and waits for every
// request. It returns nil, and may be called again.
func (p *Parallel) Close() error {
	p.cancel(errClosed)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first.Close()
	p.workers.Wait()
	p.err, p.current, p.lanes = errClosed, nil, nil
	return nil
}
