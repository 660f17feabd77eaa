package mirror

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const wrapper = "mirror"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config]{
		Names: []string{wrapper},
		Check: func(cfg Config, _ bool) error { return cfg.check(wrapper) },
		Wrap: func(next ltxstore.ReplicaClient, cfg Config) (ltxstore.ReplicaClient, error) {
			_, err := cfg.open(next)
			return New(next, cfg), err
		},
		Mirrors: func(cfg *Config, clients []ltxstore.ReplicaClient) { cfg.Others = clients },
	})
}
