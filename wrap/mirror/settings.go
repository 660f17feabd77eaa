package mirror

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const wrapper = "mirror"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names:   []string{wrapper},
		Check:   func(cfg Config, _ bool) error { return cfg.check(wrapper) },
		New:     New,
		Mirrors: func(cfg *Config, clients []ltxstore.ReplicaClient) { cfg.Others = clients },
	})
}
