package main

import (
	"context"
	"io"
)

// output is standard output. It remembers the first failure, so that no command
// succeeds of which something could not be written.
type output struct {
	ctx    context.Context
	w      io.Writer
	before func() // called before each write
	err    error
}

// Write implements io.Writer. A reader that has stopped reading, in a pipe, does
// not keep an interruption from ending the command: p then belongs to Write for
// ever.
func (o *output) Write(p []byte) (n int, err error) {
	o.before()
	switch {
	case o.err != nil:
		return 0, o.err
	case o.ctx.Err() != nil: // what was done is still told
		n, err = o.w.Write(p)
	default:
		n, err = await(o.ctx, func() (int, error) { return o.w.Write(p) })
	}
	o.err = err
	return n, err
}

// await returns what f does, or the error of ctx as soon as that ends. f cannot
// be interrupted: it then goes on alone.
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
