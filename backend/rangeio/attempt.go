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

// attempt is one body, and the watch over its progress.
type attempt struct {
	body      io.ReadCloser
	close     func() // gives up everything the attempt holds, once
	interrupt func() // ends a blocked Read

	idle    time.Duration
	timer   Timer // nil without a limit
	stalled atomic.Bool
}

// adopt makes an attempt of a body that somebody else has opened.
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

// open opens what is left.
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

// read returns what the body has, and the reason if it has nothing more.
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

// readEnd reads what follows the last byte. Bytes that nobody asked for, from
// a server that ignores ranges, end the body as io.EOF does.
func (a *attempt) readEnd() error {
	var excess [1]byte
	n, err := a.read(excess[:])
	if n > 0 {
		return io.EOF
	}
	return err
}

// watch gives the attempt a timer that does not run yet.
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

// expect starts the time in which something must come, rest ends it.
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

// reason tells a stall from the cancellation with which it was ended.
func (a *attempt) reason(err error) error {
	if err != nil && err != io.EOF && a.stalled.Load() {
		return &stallError{a.idle}
	}
	return err
}

// stallError is a net.Error, as the other timeouts of a transport are, so
// that it is judged as they are. It does not wrap the cancellation, which
// would make it look like the caller's.
type stallError struct{ idle time.Duration }

func (e *stallError) Error() string { return fmt.Sprintf("no byte arrived for %v", e.idle) }

// Timeout implements net.Error.
func (e *stallError) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *stallError) Temporary() bool { return true }
