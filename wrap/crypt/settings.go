package crypt

import (
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

const wrapper, litestreamName = "crypt", "age"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names:  []string{wrapper, litestreamName},
		Locked: true,
		Check: func(cfg Config, _ bool) error {
			_, err := cfg.open(wrapper, layer.Next{})
			return err
		},
		New: New,
	})
}
