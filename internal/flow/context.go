package flow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Err returns nil unless ctx is done, and then an error that matches ctx.Err() and includes the
// cause, if there is one.
func Err(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	switch cause := context.Cause(ctx); {
	case cause == nil, cause == err:
		return err
	case errors.Is(cause, err):
		return cause
	default:
		return fmt.Errorf("%w: %w", err, cause)
	}
}

// Ended adds the error of ctx, if it is done, to err, unless err includes it.
func Ended(ctx context.Context, err error) error {
	stopped := Err(ctx)
	if err == nil || stopped == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", stopped, err)
}

// Outlive returns a context that ends a while after ctx, for a request whose outcome would be
// unknown without its answer.
func Outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	return OutliveIf(ctx, grace, func() bool { return true })
}

// OutliveIf is Outlive if matters returns true when ctx is done; otherwise the context ends with
// ctx. matters is called at most once, by another goroutine.
func OutliveIf(ctx context.Context, grace time.Duration, matters func() bool) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, func() {
		if !matters() {
			cancel()
			return
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		detach()
		cancel()
	}
}

// MaxEmptyReads is the number of consecutive Reads without a byte or an error after which a reader
// fails with io.ErrNoProgress.
const MaxEmptyReads = 100

// Reader reads from R until Ctx is done. It checks the context before each Read and when R ends
// or fails, because a source that gave up waiting has not reached its end. It hides the other
// methods of R.
type Reader struct {
	Ctx context.Context
	R   io.Reader
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if err := Err(r.Ctx); err != nil {
		return 0, err
	}
	n, err := r.R.Read(p)
	if err != nil {
		err = cmp.Or(Err(r.Ctx), err)
	}
	return n, err
}
