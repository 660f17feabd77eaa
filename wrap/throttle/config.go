package throttle

import (
	"math"

	"github.com/ltxstore/ltxstore/backend"
)

// Limits are limits per second. A nil field means no limit, and a limit must be more than 0, so that
// a mistake neither stops a replica nor lifts the limit. What is unused for up to a tenth of a second may
// be used at once.
type Limits struct {
	// Upload and Download limit the bytes per second of bodies that are written, and
	// of files that are read.
	Upload   *int64 `ltx:"upload,size" default:"no limit" help:"Bytes per second of files that are written: more than 0."`
	Download *int64 `ltx:"download,size" default:"no limit" help:"Bytes per second of files that are read: more than 0."`

	// Requests limits the operations per second: calls of LTXFiles, OpenLTXFile, WriteLTXFile,
	// DeleteLTXFiles and DeleteAll, for each of which a backend may send several requests. It may
	// be a fraction.
	Requests *float64 `ltx:"requests" default:"no limit" help:"Operations per second, such as '10' or '0.5': more than 0."`
}

// Config is the configuration of a Client.
type Config struct {
	// Limits are the limits of this client alone.
	Limits Limits `ltx:""`

	// Limiter, if not nil, is used instead of Limits, which must be zero. Clients that
	// share a Limiter share its limits.
	Limiter *Limiter `ltx:"-"`
}

// check reports invalid limits.
func (l Limits) check(typ string) error {
	for _, field := range []struct {
		name  string
		value *int64
	}{{"Limits.Upload", l.Upload}, {"Limits.Download", l.Download}} {
		if field.value != nil && *field.value <= 0 {
			return backend.Invalid(typ, "init", field.name, *field.value, "want at least 1 byte per second, or nil for no limit")
		}
	}
	// The comparison is false for NaN.
	if r := l.Requests; r != nil && (!(*r > 0) || math.IsInf(*r, 1)) {
		return backend.Invalid(typ, "init", "Limits.Requests", *r, "want more than 0 per second, or nil for no limit")
	}
	return nil
}

// check reports an invalid configuration.
func (cfg Config) check(typ string) error {
	if cfg.Limiter != nil && cfg.Limits != (Limits{}) {
		return backend.Invalid(typ, "init", "Limiter", "set", "want it, or Limits, not both")
	}
	return cfg.Limits.check(typ)
}

// limiter returns the limiter to use, which has no limits if the configuration is invalid.
func (cfg Config) limiter() *Limiter {
	if cfg.Limiter != nil {
		return cfg.Limiter
	}
	own := new(Limiter)
	_ = own.Set(cfg.Limits) // check returns the error
	return own
}
