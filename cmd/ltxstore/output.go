package main

import (
	"context"
	"io"
)

// output is standard output. It remembers the first error, so that no command
// succeeds if some of its output was lost.
type output struct {
	ctx    context.Context
	w      io.Writer
	before func() // called before each write
	err    error
}

// Write implements io.Writer. An interruption ends the command even if the
// reader of a pipe has stopped reading. In that case, the caller must not
// reuse p.
func (o *output) Write(p []byte) (n int, err error) {
	o.before()
	switch {
	case o.err != nil:
		return 0, o.err
	case o.ctx.Err() != nil: // the result so far is still written
		n, err = o.w.Write(p)
	default:
		n, err = await(o.ctx, func() (int, error) { return o.w.Write(p) })
	}
	o.err = err
	return n, err
}

// await returns the result of f, or the error of ctx as soon as ctx ends. f
// cannot be interrupted, so it may still be running then.
func await[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := f()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}
