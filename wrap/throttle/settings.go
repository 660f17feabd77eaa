package throttle

import (
	"errors"

	"github.com/ltxstore/ltxstore/backend/settings"
)

const wrapper = "throttle"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		Check: check,
		New:   New,
	})
}

// check refuses a configuration without a limit, which would do nothing.
func check(cfg Config, _ bool) error {
	if cfg.Limits == (Limits{}) {
		return errors.New("throttle has no limit: want throttle.upload, throttle.download or throttle.requests")
	}
	return cfg.Limits.check(wrapper)
}
