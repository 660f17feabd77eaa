package rangeio

import (
	"bytes"
	"context"
	"io"
	"time"
)

// request returns the reader of a range, with a context of its own.
func (p *Parallel) request(ctx context.Context, from, end int64) io.ReadCloser {
	return p.cfg.Open(ctx, p.cfg.Offset+from, end-from)
}

// blockWait is how long a response waits for a block, unless another one has waited in
// vain. The reader that holds the blocks may be waiting for its connection.
const blockWait = time.Second

// fill requests a slot's range, and reads it into the blocks that the slot gets, until the
// reader claims the slot.
func (p *Parallel) fill(s *slot) {
	pool := p.cfg.Pool
	at, end := s.from, s.from+s.size
	body := p.request(p.ranges, at, end)
	var first [1]byte
	if _, err := io.ReadFull(body, first[:]); err != nil {
		body.Close()
		pool.end(s, nil, err)
		close(s.begun)
		return
	}
	pool.answer(s)
	close(s.begun)
	body = joined{io.MultiReader(bytes.NewReader(first[:]), body), body}
	for at < end {
		block, wait := pool.fetch(s)
		for wait {
			if body = p.await(s, body, end-at); p.ranges.Err() != nil {
				break
			}
			block, wait = pool.fetch(s)
		}
		if block == nil {
			pool.end(s, body, nil)
			return
		}
		if body == nil {
			body = p.request(p.ranges, at, end)
		}
		n, err := io.ReadFull(body, block[:min(int64(len(block)), end-at)])
		if n > 0 {
			pool.fill(s, block[:n])
		}
		if at += int64(n); err != nil {
			body.Close()
			pool.end(s, nil, err)
			return
		}
	}
	body.Close()
	pool.end(s, nil, nil)
}

type joined struct {
	io.Reader
	io.Closer
}

// await waits until a slot gets blocks, or is claimed. It returns body, or nil if it has
// closed it to release its connection.
func (p *Parallel) await(s *slot, body io.ReadCloser, rest int64) io.ReadCloser {
	timer := time.NewTimer(p.cfg.Pool.patience(p))
	defer timer.Stop()
	for {
		select {
		case <-s.given:
			return body
		case <-p.ranges.Done():
			return body
		case <-timer.C:
			if body != nil && p.cfg.Pool.withdraw(p, s, rest) {
				body.Close()
				body = nil
			}
		}
	}
}
