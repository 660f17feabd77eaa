package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/ltxstore/ltxstore/backend/oplog"
)

// logger returns the logger for clients, which logs nothing, or everything
// with -v. On a terminal, the progress line shows retries.
func (a *app) logger() *slog.Logger {
	return slog.New(&handler{Handler: slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: &a.level}), a: a})
}

type handler struct {
	slog.Handler
	a *app
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, level) || h.a.progress != nil && h.a.progress.visible()
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if p := h.a.progress; p != nil && r.Message == oplog.Repeated {
		p.repeats(repetition(r))
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.a}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.a}
}

// repetition describes in a few words what is being retried, and why.
func repetition(r slog.Record) string {
	var attempt int64
	var wait time.Duration
	var cause string
	r.Attrs(func(attr slog.Attr) bool {
		switch value := attr.Value.Any().(type) {
		case int64:
			attempt = value
		case time.Duration:
			wait = value
		case error:
			cause = root(value)
		}
		return true
	})
	return fmt.Sprintf("attempt %d failed, again in %v: %s", attempt, wait.Round(100*time.Millisecond), cause)
}

// root returns the innermost cause of an error of a service.
func root(err error) string {
	if op := new(net.OpError); errors.As(err, &op) && op.Addr != nil {
		return fmt.Sprintf("%s %v: %s", op.Op, op.Addr, innermost(op.Err))
	}
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) && answer.HTTPStatusCode() != 0 {
		return fmt.Sprintf("HTTP status %d", answer.HTTPStatusCode())
	}
	return innermost(err)
}

func innermost(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}
