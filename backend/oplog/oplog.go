// Package oplog logs the operations of backends, each when it starts and when it ends,
// with the same messages for every backend.
package oplog

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Logger is a client's logger. The zero value logs to slog.Default. It may be
// changed while operations run.
type Logger struct {
	// Secrets are the secrets of the client. They are removed from every line; the
	// client must pass its errors through Secrets.Error.
	Secrets scrub.Secrets

	custom atomic.Pointer[slog.Logger]
}

// Set sets the logger; nil discards all logs.
func (l *Logger) Set(logger *slog.Logger) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l.custom.Store(logger)
}

// Get returns the current logger.
func (l *Logger) Get() *slog.Logger {
	if logger := l.custom.Load(); logger != nil {
		return logger
	}
	return slog.Default()
}

// Op is an operation. Replica is the client's Type and Name the operation ("write").
// Level, MinTXID and MaxTXID identify the file, unless Level is negative. Done is the
// level at which success is logged: slog.LevelInfo for an operation that changes the
// store, and slog.LevelDebug for one that reads it, because a daemon reads all the
// time.
type Op struct {
	Replica, Name    string
	Level            int
	MinTXID, MaxTXID ltx.TXID
	Done             slog.Level

	ctx     context.Context
	logger  *slog.Logger
	secrets *scrub.Secrets
}

// Start logs at debug level that op starts, and returns op for End.
func (l *Logger) Start(ctx context.Context, op Op) Op {
	op.ctx, op.logger, op.secrets = context.WithoutCancel(ctx), l.Get(), &l.Secrets
	op.log(slog.LevelDebug, "starting")
	return op
}

// End logs success, or failure at error level. A missing file and an ended context are
// logged at debug level, because callers expect the former and cause the latter.
func (op Op) End(err error, attrs ...slog.Attr) {
	switch {
	case err == nil:
		op.log(op.Done, "done", attrs...)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		op.failed(slog.LevelDebug, err, attrs)
	default:
		op.failed(slog.LevelError, err, attrs)
	}
}

func (op Op) failed(level slog.Level, err error, attrs []slog.Attr) {
	if op.logger.Enabled(op.ctx, level) { // do not remove secrets from a line that is discarded
		op.log(level, "failed", append(attrs, slog.Any("error", op.secrets.Error(err)))...)
	}
}

// Listing returns files unchanged, and logs the end of the listing with the number of
// files when it is closed.
func (op Op) Listing(files ltx.FileIterator) ltx.FileIterator {
	return flow.Counted(files, func(n int, err error) { op.End(err, slog.Int("files", n)) })
}

// Repeated is the message of Retried.
const Repeated = "request failed, repeating it"

// Retried returns the OnRetry of a retry.Policy for a client with the Type replica. It
// logs each repetition at debug level, with the error that describe returns if describe
// is not nil.
func (l *Logger) Retried(replica string, describe func(error) error) func(attempt int, wait time.Duration, err error) {
	return func(attempt int, wait time.Duration, err error) {
		if !l.Get().Enabled(context.Background(), slog.LevelDebug) {
			return
		}
		if describe != nil {
			err = describe(err)
		}
		l.Get().LogAttrs(context.Background(), slog.LevelDebug, Repeated, slog.String("replica", replica),
			slog.Int("attempt", attempt), slog.Duration("wait", wait), slog.Any("error", l.Secrets.Error(err)))
	}
}

func (op Op) log(level slog.Level, what string, extra ...slog.Attr) {
	if !op.logger.Enabled(op.ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 4+len(extra))
	attrs = append(attrs, slog.String("replica", op.Replica))
	if op.Level >= 0 {
		attrs = append(attrs, slog.Int("level", op.Level))
		if op.MaxTXID != 0 {
			attrs = append(attrs, slog.String("minTXID", op.MinTXID.String()), slog.String("maxTXID", op.MaxTXID.String()))
		}
	}
	op.logger.LogAttrs(op.ctx, level, "ltx "+op.Name+" "+what, append(attrs, extra...)...)
}
