package cache

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const wrapper = "cache"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config]{
		Names: []string{wrapper},
		Check: func(cfg Config, _ bool) error {
			_, err := cfg.withDefaults(wrapper)
			return err
		},
		Wrap: func(next ltxstore.ReplicaClient, cfg Config) (ltxstore.ReplicaClient, error) {
			return New(next, cfg), nil
		},
	})
}
