package readonly

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config]{
		Names: []string{"readonly"},
		Wrap: func(next ltxstore.ReplicaClient, cfg Config) (ltxstore.ReplicaClient, error) {
			return New(next, cfg), nil
		},
	})
}
