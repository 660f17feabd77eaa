package rangeio

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// attempt is a body whose progress is monitored.
type attempt struct {
	body      io.ReadCloser
	close     func() // releases everything of the attempt, once
	interrupt func() // ends a blocked Read

	idle    time.Duration
	timer   Timer // nil without a limit
	stalled atomic.Bool
}

// adopt returns an attempt for a body that is already open.
func (r *Reader) adopt(body io.ReadCloser, cancel context.CancelFunc) *attempt {
	a := &attempt{body: body}
	closeBody := sync.OnceFunc(func() { body.Close() })
	if a.interrupt = cancel; cancel == nil {
		a.interrupt = closeBody
	}
	a.watch(r.cfg)
	detach := context.AfterFunc(r.ctx, a.interrupt)
	a.close = func() {
		detach()
		a.rest()
		closeBody()
		a.interrupt()
	}
	return a
}

// open opens the rest of the transfer.
func (r *Reader) open() (*attempt, error) {
	ctx, cancel := context.WithCancel(r.ctx)
	a := &attempt{interrupt: cancel}
	a.watch(r.cfg)
	a.expect()
	body, err := r.cfg.Open(ctx, r.offset, r.left)
	a.rest()
	if err != nil {
		cancel()
		return nil, a.reason(err)
	}
	a.body = body
	a.close = func() {
		a.rest()
		body.Close()
		cancel()
	}
	return a, nil
}

// read reads from the body. If it fails, the error is the reason.
func (a *attempt) read(p []byte) (n int, err error) {
	a.expect()
	defer a.rest()
	for range flow.MaxEmptyReads {
		if n, err = a.body.Read(p); n > 0 || err != nil {
			return n, a.reason(err)
		}
	}
	return 0, io.ErrNoProgress
}

// readEnd reads after the last byte. Excess bytes, from a server that ignores ranges, end
// the body as io.EOF does.
func (a *attempt) readEnd() error {
	var excess [1]byte
	n, err := a.read(excess[:])
	if n > 0 {
		return io.EOF
	}
	return err
}

// watch creates the attempt's timer, without starting it.
func (a *attempt) watch(cfg Config) {
	if cfg.IdleTimeout < 0 {
		return
	}
	a.idle = cfg.IdleTimeout
	a.timer = cfg.NewTimer(a.idle, func() {
		a.stalled.Store(true)
		a.interrupt()
	})
	a.timer.Stop()
}

// expect starts the timer for the next bytes, and rest stops it.
func (a *attempt) expect() {
	if a.timer != nil {
		a.timer.Reset(a.idle)
	}
}

func (a *attempt) rest() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// reason returns a stallError in place of the cancellation that a stall causes.
func (a *attempt) reason(err error) error {
	if err != nil && err != io.EOF && a.stalled.Load() {
		return &stallError{a.idle}
	}
	return err
}

// stallError is a net.Error, to be classified like other timeouts of a transport. It does
// not wrap the cancellation, which would look like that of the caller.
type stallError struct{ idle time.Duration }

func (e *stallError) Error() string { return fmt.Sprintf("no data arrived for %v", e.idle) }

// Timeout implements net.Error.
func (e *stallError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *stallError) Temporary() bool { return true }
