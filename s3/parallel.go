package s3

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// openLarge reads the first head bytes of a range in one request, which is all
// if there are no more, and the rest in parts, several at once.
func (r *replica) openLarge(ctx context.Context, key string, offset, size, head int64) (io.ReadCloser, error) {
	bodyCtx, cancelBody := context.WithCancel(ctx)
	a, n, err := r.begin(bodyCtx, key, offset, head)
	if err != nil || n == 0 {
		cancelBody()
		if err != nil {
			return nil, err
		}
		return r.transfer(ctx, key, version{}, offset, 0), nil
	}
	want := a.size - offset
	if size > 0 {
		want = min(want, size)
	}
	switch {
	case a.whole: // no use in asking for ranges
		return r.resume(ctx, cancelBody, key, a, offset, want), nil
	case want <= n:
		return r.resume(ctx, cancelBody, key, a, offset, n), nil
	case a.etag == "": // the parts might be of several versions
		a.body.Close()
		cancelBody()
		return r.openRange(ctx, key, offset, size)
	}

	p := &parallel{r: r, key: key, version: a.version, offset: offset + n, left: want - n, serial: n}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	p.first = r.resume(p.ctx, cancelBody, key, a, offset, n)
	return p, nil
}

// parallel reads a first range as it comes, and meanwhile and then the parts
// after it, ReadConcurrency requests at once. Each part has a lane, in turn;
// a lane has one buffer, in which it holds its next part until it has been
// read. All requests are pinned to one version.
type parallel struct {
	r       *replica
	key     string
	version version
	ctx     context.Context
	cancel  context.CancelCauseFunc
	workers sync.WaitGroup

	mu      sync.Mutex // held while reading
	first   io.ReadCloser
	serial  int64 // what first still has
	offset  int64 // where the parts begin
	left    int64 // what is still to come from the parts
	lanes   []lane
	next    int64  // the part that is to be read next
	current []byte // what is unread of the part before it
	err     error  // what every further Read returns
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

var errClosed = fmt.Errorf("read after close: %w", fs.ErrClosed)

// Read implements io.Reader.
func (p *parallel) Read(b []byte) (int, error) {
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
func (p *parallel) read(b []byte) (int, error) {
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
			return 0, ctxio.Err(p.ctx)
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
func (p *parallel) lane(part int64) lane { return p.lanes[(part+1)%int64(len(p.lanes))] }

// start begins to read ahead: not before somebody reads.
func (p *parallel) start() {
	p.lanes = make([]lane, p.r.cfg.ReadConcurrency)
	for i := range p.lanes {
		p.lanes[i] = lane{full: make(chan part), empty: make(chan struct{}, 1)}
	}
	size, end := p.r.cfg.PartSize, p.left
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
func (p *parallel) work(lane lane, begin, step, end int64, wait bool) {
	size := p.r.cfg.PartSize
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
		if !p.hand(lane, p.fetch(p.offset+part*size, buf[:n])) {
			return
		}
	}
}

func (p *parallel) fetch(offset int64, buf []byte) part {
	rd := p.r.transfer(p.ctx, p.key, p.version, offset, int64(len(buf)))
	defer rd.Close()
	_, err := io.ReadFull(rd, buf)
	return part{data: buf, err: err}
}

// hand gives a part to Read, and reports whether the lane goes on.
func (p *parallel) hand(lane lane, part part) bool {
	select {
	case lane.full <- part:
		return part.err == nil
	case <-p.ctx.Done():
		return false
	}
}

// Close implements io.Closer. It ends a blocked Read and waits for every
// request. It returns nil, and may be called again.
func (p *parallel) Close() error {
	p.cancel(errClosed)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first.Close()
	p.workers.Wait()
	p.err, p.current, p.lanes = errClosed, nil, nil
	return nil
}
