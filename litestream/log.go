package litestream

import (
	"context"
	"log/slog"
)

// quiet returns a logger for clients of the engine. They log each write and
// deletion at info, which would be a line a second; the engine logs what it does
// with single files at debug.
func quiet(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return nil
	}
	return slog.New(quieter{logger.Handler()})
}

// quieter logs messages at info as debug.
type quieter struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, lower(level))
}

// Handle implements slog.Handler.
func (q quieter) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	return q.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }

func lower(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}
