package flow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Err returns nil while ctx lives, then an error that errors.Is finds equal to
// ctx.Err() and that tells the cause, if the canceller gave one.
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

// Ended adds the end of ctx to a failure that it has caused and that does not
// tell it.
func Ended(ctx context.Context, err error) error {
	stopped := Err(ctx)
	if err == nil || stopped == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", stopped, err)
}

// Outlive returns a context that ends a while after ctx: for a request whose
// answer matters, because without it nobody knows what was done.
func Outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	return OutliveIf(ctx, grace, func() bool { return true })
}

// OutliveIf is Outlive if matters is true when ctx ends; else the context ends
// with ctx. It is called once, from another goroutine, or never.
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

// MaxEmptyReads is how often in a row a reader may return neither a byte nor
// an error; then it is io.ErrNoProgress.
const MaxEmptyReads = 100

// Reader reads from R until Ctx ends; the context is looked at before each Read,
// and when R ends: a source that was waited for until then, and gave up, has not
// come to its end. It hides every other method of R.
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
	if err == io.EOF {
		if ended := Err(r.Ctx); ended != nil {
			err = ended
		}
	}
	return n, err
}
