package daemon

import (
	"io"
	"log/slog"
	"os"
	"strings"
)

// Log is what is logged, and its format.
type Log struct {
	// Level is the lowest level that is logged: "trace", "debug", "info", "warn" or
	// "error".
	Level string

	// Type is "text" or "json", or Litestream's "pretty", which means text.
	Type string

	// Stderr logs to stderr instead of stdout. Source adds the source line.
	Stderr, Source bool
}

// levelTrace is a level of the engine, below debug.
const levelTrace = slog.LevelDebug - 4

// Logger returns the logger of the daemon, the engine and the clients.
func (l Log) Logger() *slog.Logger {
	if l.Stderr {
		return l.logger(os.Stderr)
	}
	return l.logger(os.Stdout)
}

func (l Log) logger(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{AddSource: l.Source, Level: l.level(), ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if level, ok := attr.Value.Any().(slog.Level); ok && level == levelTrace {
			attr.Value = slog.StringValue("TRACE")
		}
		return attr
	}}
	if l.Type == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

func (l Log) level() slog.Level {
	switch strings.ToLower(l.Level) {
	case "trace":
		return levelTrace
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// SetLevel sets Level. It fails if the level is unknown.
func (l *Log) SetLevel(level string) error { return logLevel(&l.Level)(level) }

// logLevel sets a level.
func logLevel(to *string) setter {
	return func(value string) error {
		if strings.EqualFold(value, "warning") {
			value = "warn"
		}
		return oneOf(to, "trace", "debug", "info", "warn", "error")(value)
	}
}
