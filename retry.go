package ltxstore

import (
	"cmp"
	"fmt"
	"io/fs"
	"time"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// Retry configures how a backend retries failed requests to a service: with
// exponential backoff and full jitter, in one layer only, around the request.
// The zero value is the default. The wait is at least as long as the service
// asks for with Retry-After.
type Retry struct {
	// MaxAttempts is the maximum number of attempts, including the first. 0
	// means 10; 1 means no retries. While a body is being read, it is the
	// number of attempts since the last byte arrived.
	MaxAttempts int `ltx:"max-attempts" default:"10" help:"The maximum number of attempts, including the first."`

	// BaseDelay is the upper bound of the first wait. The bound doubles with
	// each further wait. 0 means 100 ms.
	BaseDelay time.Duration `ltx:"base-delay" default:"100ms" help:"The upper bound of the first wait. It doubles with each further wait."`

	// MaxDelay is the upper bound of every wait, except for one that
	// Retry-After asks for. 0 means 20 s.
	MaxDelay time.Duration `ltx:"max-delay" default:"20s" help:"The upper bound of every wait."`
}

// WithDefaults returns r with the default in place of each zero field.
func (r Retry) WithDefaults() Retry {
	return Retry{
		MaxAttempts: cmp.Or(r.MaxAttempts, 10),
		BaseDelay:   cmp.Or(r.BaseDelay, 100*time.Millisecond),
		MaxDelay:    cmp.Or(r.MaxDelay, 20*time.Second),
	}
}

// Validate returns an error of kind fs.ErrInvalid that names the field if a
// field is negative or BaseDelay is greater than MaxDelay.
func (r Retry) Validate() error {
	invalid := func(field string, value any, want string) error {
		return fmt.Errorf("%w: %w", &settings.FieldError{Field: "Retry." + field, Value: value, Want: want}, fs.ErrInvalid)
	}
	switch d := r.WithDefaults(); {
	case r.MaxAttempts < 0:
		return invalid("MaxAttempts", r.MaxAttempts, "want 0 (default) or more")
	case r.BaseDelay < 0:
		return invalid("BaseDelay", r.BaseDelay, "want 0 (default) or more")
	case r.MaxDelay < 0:
		return invalid("MaxDelay", r.MaxDelay, "want 0 (default) or more")
	case d.BaseDelay > d.MaxDelay:
		return invalid("BaseDelay", d.BaseDelay, fmt.Sprintf("want at most Retry.MaxDelay, %v", d.MaxDelay))
	}
	return nil
}
