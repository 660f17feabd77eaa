package cache

import "github.com/ltxstore/ltxstore/backend/settings"

const wrapper = "cache"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		Check: func(cfg Config, _ bool) error {
			_, err := cfg.withDefaults(wrapper)
			return err
		},
		New: New,
	})
}
