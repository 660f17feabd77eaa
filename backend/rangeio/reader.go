package rangeio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// DefaultIdleTimeout is how long a transfer may bring nothing. Stores pause
// for seconds; a minute is a connection that nobody answers any more.
const DefaultIdleTimeout = time.Minute

// Config is a transfer that has begun.
type Config struct {
	// Body is the open body of the first attempt, at Offset. Nil means that
	// Open is called for the first attempt too. The Reader closes it.
	Body io.ReadCloser

	// Cancel ends a blocked Read of Body, as cancelling the context of its
	// request does. It is called once or more, at the latest when Body is
	// closed. Nil means that Body.Close ends it, which must then be safe
	// concurrently with Read.
	Cancel context.CancelFunc

	// Offset is where in the file Body starts, and Size how many bytes are to
	// come: exactly as many are delivered, or an error.
	Offset, Size int64

	// Open opens the rest of the same version of the file: the caller pins
	// it by ETag or generation. length is never 0. The end of ctx must end
	// Open, and later a blocked Read of the body: ctx ends with the body, not
	// with Open.
	Open func(ctx context.Context, offset, length int64) (io.ReadCloser, error)

	// Retry repeats what fails. Its budget is spent on failures without
	// progress: it resets whenever a byte arrives. A failure between two bytes
	// counts as the first one of a new budget. Nil means that the first failure
	// ends the transfer.
	Retry Retrier

	// IdleTimeout is how long Open, or a Read of a body, may take to bring
	// anything; then the attempt has failed. The time in which nobody reads
	// does not count, and there is no limit on the whole. 0 means
	// DefaultIdleTimeout, less than 0 no limit.
	IdleTimeout time.Duration

	// NewTimer is the clock's time.AfterFunc. Nil means the real clock.
	NewTimer func(d time.Duration, f func()) Timer
}

// Retrier is the part of retry.Policy that a Reader needs: Do calls op until
// it succeeds, and decides from its errors whether and when to call it again.
// It returns soon after ctx has ended, with an error that wraps ctx.Err().
type Retrier interface {
	Do(ctx context.Context, op func(context.Context) error) error
}

// Timer is the part of *time.Timer that a Reader needs.
type Timer interface {
	Reset(time.Duration) bool
	Stop() bool
}

// Reader reads a transfer to its end, resuming it where it breaks (clauses O3
// to O5, C2 and C3). Read is for one goroutine at a time. Close may be called
// at any time, also during a blocked Read.
type Reader struct {
	ctx    context.Context // ends with the caller's, at Close, and after the last byte
	cancel context.CancelCauseFunc
	cfg    Config

	mu      sync.Mutex // held while reading
	current *attempt   // nil while there is none
	broken  error      // why the last attempt ended, to be judged by the next Read
	offset  int64      // of the next byte
	left    int64
	err     error // what every further Read returns
}

// errClosed is the cause with which Close ends a Reader's context.
var errClosed = fmt.Errorf("read after close: %w", fs.ErrClosed)

// NewReader returns the reader of a transfer. ctx must live as long as the
// reader is used. The reader must be closed.
func NewReader(ctx context.Context, cfg Config) *Reader {
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = DefaultIdleTimeout
	}
	if cfg.NewTimer == nil {
		cfg.NewTimer = func(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
	}
	r := &Reader{cfg: cfg, offset: cfg.Offset, left: max(cfg.Size, 0)}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	if cfg.Body != nil {
		r.current = r.adopt(cfg.Body, cfg.Cancel)
	}
	return r
}

// Read implements io.Reader. At the end of the range it is io.EOF; fewer bytes
// than that are always another error. After an error, every Read returns it.
//
// The last bytes are delivered once the body has ended, so that a checksum
// that an SDK verifies there is never missed.
func (r *Reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()

	if r.err == nil && r.left == 0 {
		r.end(io.EOF)
	}
	if r.err != nil {
		return 0, r.err
	}
	if err := flow.Err(r.ctx); err != nil {
		r.end(err)
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.next(p)
	if err != nil {
		r.end(err)
		return 0, r.err
	}
	if r.left == 0 {
		r.end(io.EOF)
	}
	return n, nil
}

// Close ends a Read that is blocked, waits for it, and closes what is open.
// Further Reads fail with fs.ErrClosed. It returns nil, and may be called
// again.
func (r *Reader) Close() error {
	r.cancel(errClosed)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end(errClosed)
	r.err = errClosed
	return nil
}

// next reads one byte or more, however many attempts it takes.
func (r *Reader) next(p []byte) (int, error) {
	p = p[:min(int64(len(p)), r.left)]
	n, err := r.try(p)
	switch {
	case err == nil:
		return n, nil
	case r.ctx.Err() != nil:
		return 0, stopped(r.ctx, err)
	case r.cfg.Retry == nil:
		return 0, err
	}
	return r.retry(p, n, err)
}

// retry goes on after a try that gave n bytes and a failure, which is the
// first of the budget.
func (r *Reader) retry(p []byte, n int, failure error) (int, error) {
	err := r.cfg.Retry.Do(r.ctx, func(context.Context) (err error) {
		switch {
		case failure != nil:
			err, failure = failure, nil
		case r.left > 0:
			n, err = r.try(p)
		}
		return err // nil if all bytes had come, and only their end had not
	})
	return n, err
}

// try reads from the current attempt, or from a new one. It returns a byte or
// more, or an error; or, if the end of the body after the last byte was not
// as it should be, both.
func (r *Reader) try(p []byte) (n int, err error) {
	if err := r.broken; err != nil {
		r.broken = nil
		return 0, err
	}
	if r.current == nil {
		if r.current, err = r.open(); err != nil {
			return 0, err
		}
	}
	n, err = r.current.read(p)
	r.offset, r.left = r.offset+int64(n), r.left-int64(n)
	if r.left == 0 && err == nil {
		err = r.current.readEnd()
	}
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF && r.left > 0:
		err = fmt.Errorf("body ended at byte %d, %d too early: %w", r.offset, r.left, io.ErrUnexpectedEOF)
	case err == io.EOF:
		err = nil
	}
	r.drop()
	if n > 0 && r.left > 0 {
		r.broken, err = err, nil
	}
	return n, err
}

// end makes err the error of every further Read, unless there is one already,
// and releases what is held.
func (r *Reader) end(err error) {
	if r.err == nil {
		r.err = err
		if context.Cause(r.ctx) == errClosed {
			r.err = errClosed
		}
	}
	r.drop()
	r.cancel(r.err)
}

func (r *Reader) drop() {
	if r.current != nil {
		r.current.close()
		r.current = nil
	}
}

// stopped returns why ctx has ended, and includes a failure that came with it,
// unless that says the same.
func stopped(ctx context.Context, failure error) error {
	err := flow.Err(ctx)
	if errors.Is(failure, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", err, failure)
}
