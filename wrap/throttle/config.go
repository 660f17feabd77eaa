package throttle

import (
	"math"

	"github.com/ltxstore/ltxstore/backend"
)

// Limits says how much passes in a second. A nil field is no limit; 0 and less
// are refused, so that a limit that was forgotten does not stop a replica, nor one
// that was mistyped let everything pass.
//
// What was not used is kept for a tenth of a second, and may pass at once.
type Limits struct {
	// Upload and Download are bytes a second: of bodies that are written, and of
	// those that are read.
	Upload   *int64 `ltx:"upload,size" default:"no limit" help:"Bytes of bodies that are written in a second: more than 0."`
	Download *int64 `ltx:"download,size" default:"no limit" help:"Bytes of bodies that are read in a second: more than 0."`

	// Requests is operations a second: calls of LTXFiles, OpenLTXFile,
	// WriteLTXFile, DeleteLTXFiles and DeleteAll. The further requests that a
	// backend makes for one, for pages, parts or retries, cannot be seen from here.
	// It may be a fraction.
	Requests *float64 `ltx:"requests" default:"no limit" help:"Operations begun in a second, such as '10' or '0.5': more than 0."`
}

// Config is what a client is held to.
type Config struct {
	// Limits are this client's own.
	Limits Limits `ltx:""`

	// Limiter, if not nil, is one that other clients may have too: together they
	// stay within it. Limits must be empty then.
	Limiter *Limiter `ltx:"-"`
}

// check returns what is wrong with the limits, of a client of that Type.
func (l Limits) check(typ string) error {
	for _, field := range []struct {
		name  string
		value *int64
	}{{"Limits.Upload", l.Upload}, {"Limits.Download", l.Download}} {
		if field.value != nil && *field.value <= 0 {
			return backend.Invalid(typ, "init", field.name, *field.value, "want 1 byte a second or more, or nil for no limit")
		}
	}
	// The comparison is false for what is not a number.
	if r := l.Requests; r != nil && (!(*r > 0) || math.IsInf(*r, 1)) {
		return backend.Invalid(typ, "init", "Limits.Requests", *r, "want more than 0 a second, or nil for no limit")
	}
	return nil
}

// limiter returns the one that is to be used, and what is wrong with the
// configuration.
func (cfg Config) limiter(typ string) (*Limiter, error) {
	own := new(Limiter)
	switch {
	case cfg.Limiter == nil:
		if err := cfg.Limits.check(typ); err != nil {
			return own, err
		}
		own.set(cfg.Limits)
		return own, nil
	case cfg.Limits != Limits{}:
		return own, backend.Invalid(typ, "init", "Limiter", "set", "want either Limits or a Limiter, which has its own")
	}
	return cfg.Limiter, nil
}
