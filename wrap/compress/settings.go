package compress

import "github.com/ltxstore/ltxstore/backend/settings"

const wrapper = "compress"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		Check: func(cfg Config, _ bool) error {
			_, err := cfg.open(wrapper, nil)
			return err
		},
		New: New,
	})
}
