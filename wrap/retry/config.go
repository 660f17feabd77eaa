package retry

import (
	"cmp"
	"errors"
	"io/fs"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// Config says how failed operations are repeated. The zero value is the default.
type Config struct {
	// Retry is how often, and with which waits. What is repeated is what
	// ltxstore.IsRetryable says. A body or a listing spends it on failures
	// without progress. MaxAttempts must not be 1, which is no retry.
	Retry ltxstore.Retry `ltx:""`

	// BufferSize is how many bytes of a body that cannot seek are kept, so that
	// it can be sent again; a longer one is sent once. Each such write takes so
	// much memory at the most. 0 means 1 MiB.
	BufferSize int64 `ltx:"buffer-size,size" default:"1MiB" help:"Bytes that are kept of a body that cannot seek; a longer one is sent once."`
}

const defaultBufferSize = 1 << 20

// check returns the configuration with its defaults, or what is wrong with it or
// with the client that is to be wrapped.
func (cfg Config) check(typeName string, retries bool) (Config, error) {
	switch {
	case retries:
		return cfg, &ltxstore.Error{Op: "init", Backend: typeName, Kind: fs.ErrInvalid,
			Err: errors.New("next retries by itself: want a client that does not retry itself, or its retries turned off: they would multiply")}
	case cfg.Retry.MaxAttempts == 1:
		return cfg, backend.Invalid(typeName, "init", "Retry.MaxAttempts", 1, "want 0 (default) or 2 or more: 1 is no retry")
	}
	if err := settings.Validate(typeName, cfg); err != nil {
		return cfg, err
	}
	return Config{Retry: cfg.Retry.WithDefaults(), BufferSize: cmp.Or(cfg.BufferSize, defaultBufferSize)}, nil
}
