package trace

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const wrapper = "trace"

// A URL or a file cannot name a provider: the global one is used.
func init() {
	settings.RegisterWrapper(settings.Wrapper[Config]{
		Names: []string{wrapper},
		Wrap: func(next ltxstore.ReplicaClient, cfg Config) (ltxstore.ReplicaClient, error) {
			return New(next, cfg), nil
		},
	})
}
