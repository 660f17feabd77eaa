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

// DefaultIdleTimeout is how long a transfer may make no progress. Stores may pause for
// seconds; after a minute, the connection is considered dead.
const DefaultIdleTimeout = time.Minute

// Config is the configuration of a Reader.
type Config struct {
	// Body is the open body of the first attempt, at Offset. Nil means that
	// Open is called for the first attempt too. The Reader closes it.
	Body io.ReadCloser

	// Cancel ends a blocked Read of Body, for example by cancelling the context of
	// its request. It is called at least once, at the latest when Body is closed.
	// Nil means that Body.Close ends it, which must then be safe to call
	// concurrently with Read.
	Cancel context.CancelFunc

	// Offset is where in the file Body starts, and Size the number of bytes to
	// read: the Reader returns exactly as many, or an error. With UpTo the file may
	// end before.
	Offset, Size int64
	UpTo         bool

	// Open opens the rest of the same version of the file, for example by ETag or
	// generation. length is never 0. The end of ctx must end Open, and later a
	// blocked Read of the body: ctx ends with the body, not with Open.
	Open func(ctx context.Context, offset, length int64) (io.ReadCloser, error)

	// Retry repeats failed attempts. Its attempts count failures without progress:
	// the count resets whenever a byte arrives. Nil means that the first failure
	// ends the transfer.
	Retry Retrier

	// IdleTimeout is how long Open, or a Read of a body, may take without progress
	// before the attempt fails. Time in which the caller does not read does not
	// count, and the total time is not limited. 0 means DefaultIdleTimeout, and
	// less than 0 no limit.
	IdleTimeout time.Duration

	// NewTimer replaces time.AfterFunc, if not nil.
	NewTimer func(d time.Duration, f func()) Timer
}

// Retrier repeats an operation: Do calls op until it succeeds, and decides from its errors
// whether and when to call it again. It returns soon after ctx has ended, with an error
// that wraps ctx.Err().
type Retrier interface {
	Do(ctx context.Context, op func(context.Context) error) error
}

// Timer is the part of *time.Timer that a Reader needs.
type Timer interface {
	Reset(time.Duration) bool
	Stop() bool
}

// Reader reads a transfer to its end, and resumes it where it breaks (clauses O3 to O5, C2
// and C3). Read must be called by one goroutine at a time. Close may be called at any
// time, also during a blocked Read.
type Reader struct {
	caller context.Context
	ctx    context.Context // ends with the caller's, at Close, and after the last byte
	cancel context.CancelCauseFunc
	cfg    Config

	mu      sync.Mutex // held while reading
	current *attempt   // nil if there is none
	broken  error      // why the last attempt ended, for the next Read
	offset  int64      // of the next byte
	left    int64
	err     error // returned by every further Read
}

// errClosed is the cause with which Close cancels a Reader's context.
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
	r := &Reader{caller: ctx, cfg: cfg, offset: cfg.Offset, left: max(cfg.Size, 0)}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	if cfg.Body != nil {
		r.current = r.adopt(cfg.Body, cfg.Cancel)
	}
	return r
}

// Read implements io.Reader. It returns io.EOF only at the end of the range. After an
// error, every Read returns it.
//
// The last bytes are returned after the body has ended, so that a checksum that an SDK
// verifies there is never missed.
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
	if n == 0 { // the file has ended before
		return 0, r.err
	}
	return n, nil
}

// Close ends a blocked Read, waits for it, and closes the body. Further Reads fail with
// fs.ErrClosed. Close returns nil, and may be called again.
func (r *Reader) Close() error {
	r.cancel(errClosed)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end(errClosed)
	r.err = errClosed
	return nil
}

// next reads at least one byte, with as many attempts as necessary.
func (r *Reader) next(p []byte) (int, error) {
	p = p[:min(int64(len(p)), r.left)]
	n, err := r.try(p)
	switch {
	case err == nil:
		return n, nil
	case r.caller.Err() != nil: // a moment before r.ctx
		return 0, stopped(r.caller, err)
	case r.ctx.Err() != nil:
		return 0, stopped(r.ctx, err)
	case r.cfg.Retry == nil:
		return 0, err
	}
	return r.retry(p, n, err)
}

// retry continues after a try that returned n bytes and a failure, which counts as the
// first.
func (r *Reader) retry(p []byte, n int, failure error) (int, error) {
	err := r.cfg.Retry.Do(r.ctx, func(context.Context) (err error) {
		switch {
		case failure != nil:
			err, failure = failure, nil
		case r.left > 0:
			n, err = r.try(p)
		}
		return err // nil if all bytes had arrived, but not the end of the body
	})
	return n, err
}

// try reads from the current attempt, or from a new one. It returns at least one byte, or
// an error, or both if the body did not end correctly after the last byte.
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
	case err == io.EOF && r.left > 0 && !r.cfg.UpTo:
		err = fmt.Errorf("body ended at byte %d, %d too early: %w", r.offset, r.left, io.ErrUnexpectedEOF)
	case err == io.EOF:
		r.left, err = 0, nil
	}
	r.drop()
	if n > 0 && r.left > 0 {
		r.broken, err = err, nil
	}
	return n, err
}

// end makes err the error of every further Read, unless there already is one, and releases
// everything.
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

// stopped returns why ctx has ended, together with failure if that is different.
func stopped(ctx context.Context, failure error) error {
	err := flow.Err(ctx)
	if errors.Is(failure, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", err, failure)
}
