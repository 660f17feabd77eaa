package crypt

import "github.com/ltxstore/ltxstore/backend/settings"

const wrapper, litestreamName = "crypt", "age"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names:  []string{wrapper, litestreamName},
		Locked: true,
		Check: func(cfg Config, _ bool) error {
			_, err := cfg.open(wrapper, nil)
			return err
		},
		New: New,
	})
}
