package retry

import (
	"cmp"
	"errors"
	"io/fs"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// Config is the configuration of a Client. The zero value is valid.
type Config struct {
	// Retry is how often, and with which waits, an operation is repeated. For a reader or
	// a listing it starts over whenever that makes progress. MaxAttempts must not be
	// 1, which means no retries.
	Retry ltxstore.Retry `ltx:""`

	// BufferSize is the memory in bytes that a write may use to keep a body that cannot
	// seek, so that it can be sent again. A longer body is sent once. 0 means 1 MiB.
	BufferSize int64 `ltx:"buffer-size,size" default:"1MiB" help:"Memory for a body that cannot seek; a longer one is sent once."`
}

const defaultBufferSize = 1 << 20

// check returns the configuration with its defaults, or an error if it is invalid or the
// client to wrap retries itself.
func (cfg Config) check(typeName string, retries bool) (Config, error) {
	switch {
	case retries:
		return cfg, &ltxstore.Error{Op: "init", Backend: typeName, Kind: fs.ErrInvalid,
			Err: errors.New("next retries by itself: want a client that does not retry itself, or its retries turned off, because retries multiply")}
	case cfg.Retry.MaxAttempts == 1:
		return cfg, backend.Invalid(typeName, "init", "Retry.MaxAttempts", 1, "want 0 (default) or at least 2: 1 means no retries")
	}
	if err := settings.Validate(typeName, cfg); err != nil {
		return cfg, err
	}
	return Config{Retry: cfg.Retry.WithDefaults(), BufferSize: cmp.Or(cfg.BufferSize, defaultBufferSize)}, nil
}
