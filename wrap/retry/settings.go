package retry

import "github.com/ltxstore/ltxstore/backend/settings"

const wrapper = "retry"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		Check: func(cfg Config, retries bool) error {
			_, err := cfg.check(wrapper, retries)
			return err
		},
		New: New,
	})
}
