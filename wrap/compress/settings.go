package compress

import (
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

const wrapper = "compress"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{wrapper},
		Check: func(cfg Config, _ bool) error {
			_, err := cfg.open(wrapper, layer.Next{})
			return err
		},
		New: New,
	})
}
