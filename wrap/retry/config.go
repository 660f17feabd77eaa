package retry

import (
	"cmp"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// Config says how failed operations are repeated. The zero value is the default.
type Config struct {
	// Retry is how often, and with which waits. What is repeated is what
	// ltxstore.IsRetryable says. A body or a listing spends it on failures
	// without progress. MaxAttempts must not be 1, which is no retry.
	Retry ltxstore.Retry

	// BufferSize is how many bytes of a body that cannot seek are kept, so that
	// it can be sent again; a longer one is sent once. Each such write takes so
	// much memory at the most. 0 means 1 MiB.
	BufferSize int64
}

const defaultBufferSize = 1 << 20

// check returns the configuration with its defaults, or what is wrong with it or
// with the client that is to be wrapped.
func (cfg Config) check(next ltxstore.ReplicaClient) (Config, error) {
	invalid := func(field string, value any, want string) error {
		return backend.Invalid(next.Type(), "init", field, value, want)
	}
	retrier, ok := ltxstore.As[ltxstore.Retrier](next)
	switch {
	case ok && retrier.Retries():
		return cfg, invalid("next", next.Type(), "want a client that does not retry itself, or its retries turned off: they would multiply")
	case cfg.Retry.MaxAttempts == 1:
		return cfg, invalid("Retry.MaxAttempts", 1, "want 0 (default) or 2 or more: 1 is no retry")
	case cfg.BufferSize < 0:
		return cfg, invalid("BufferSize", cfg.BufferSize, "want 0 (default) or more bytes")
	}
	if err := cfg.Retry.Validate(); err != nil {
		return cfg, backend.Refused(next.Type(), "init", "", err)
	}
	return Config{Retry: cfg.Retry.WithDefaults(), BufferSize: cmp.Or(cfg.BufferSize, defaultBufferSize)}, nil
}
