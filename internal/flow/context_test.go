package flow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/flow"
)

func TestErr(t *testing.T) {
	assert.NoError(t, flow.Err(t.Context()))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, context.Canceled, flow.Err(ctx))

	cause := errors.New("shutting down")
	ctx, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(cause)
	err := flow.Err(ctx)
	assert.EqualError(t, err, "context canceled: shutting down")
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, cause)

	wrapping := fmt.Errorf("shutting down: %w", context.Canceled)
	ctx, cancelCause = context.WithCancelCause(t.Context())
	cancelCause(wrapping)
	assert.Equal(t, wrapping, flow.Err(ctx), "a cause that says it is not repeated")
}

func TestErrDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, flow.Err(ctx))
		<-ctx.Done()
		assert.Equal(t, context.DeadlineExceeded, flow.Err(ctx))
	})
}

func TestReader(t *testing.T) {
	require.NoError(t, iotest.TestReader(&flow.Reader{Ctx: t.Context(), R: io.LimitReader(strings.NewReader("content"), 7)}, []byte("content")))

	ctx, cancel := context.WithCancel(t.Context())
	source := strings.NewReader("content")
	r := &flow.Reader{Ctx: ctx, R: source}
	buf := make([]byte, 3)
	n, err := r.Read(buf)
	require.NoError(t, err)
	assert.Equal(t, "con", string(buf[:n]))

	cancel()
	n, err = r.Read(buf)
	assert.Zero(t, n)
	assert.Equal(t, context.Canceled, err)
	assert.Equal(t, 4, source.Len(), "the source is left alone")
}

// A source that was waited for until the context ended, and gave up, has not come
// to its end. What fails otherwise says so itself.
func TestReaderWhoseSourceGivesUp(t *testing.T) {
	for _, err := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe} {
		ctx, cancel := context.WithCancel(t.Context())
		r := &flow.Reader{Ctx: ctx, R: readFunc(func(p []byte) (int, error) {
			cancel()
			return copy(p, "last"), err
		})}
		n, got := r.Read(make([]byte, 10))
		assert.Equal(t, 4, n)
		assert.Equal(t, context.Canceled, got, err)
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestReaderHidesOtherMethods(t *testing.T) {
	var r any = &flow.Reader{Ctx: t.Context(), R: strings.NewReader("x")}
	_, ok := r.(io.WriterTo)
	assert.False(t, ok, "WriteTo would not look at the context")
	_, ok = r.(io.Seeker)
	assert.False(t, ok)
}

func TestEnded(t *testing.T) {
	failure := errors.New("reset")
	assert.Equal(t, failure, flow.Ended(t.Context(), failure))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, flow.Ended(ctx, nil), "what has succeeded has")
	assert.ErrorIs(t, flow.Ended(ctx, failure), context.Canceled)
	assert.ErrorIs(t, flow.Ended(ctx, failure), failure)
	told := fmt.Errorf("get: %w", context.Canceled)
	assert.Equal(t, told, flow.Ended(ctx, told), "it is not told twice")
}

func TestOutlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		longer, stop := flow.Outlive(ctx, time.Second)
		defer stop()
		cancel()
		time.Sleep(time.Second - 1)
		assert.NoError(t, longer.Err())
		time.Sleep(2 * time.Nanosecond)
		synctest.Wait()
		assert.Error(t, longer.Err())

		longer, stop = flow.Outlive(t.Context(), time.Second)
		stop()
		assert.Error(t, longer.Err(), "a context that is not needed any more ends at once")
	})
}
