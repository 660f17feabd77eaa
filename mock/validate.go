package mock

import (
	"time"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// validate returns the keys of the replica, or an error of kind fs.ErrInvalid that
// names the first bad field.
func (cfg Config) validate() (backend.Keys, error) {
	if err := settings.Validate(typeName, cfg); err != nil {
		return backend.Keys{}, err
	}
	if cfg.Clock != nil && cfg.Clock().IsZero() {
		return backend.Keys{}, backend.Invalid(typeName, "init", "Clock", time.Time{}, "want a time that is not zero: CreatedAt must not be zero")
	}
	keys, err := backend.NewKeys(cfg.Layout, cfg.Path)
	if err != nil {
		err = backend.Refused(typeName, "init", "", err)
	}
	return keys, err
}
