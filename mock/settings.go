package mock

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// A mem:// URL has no place: each client has a store of its own, which cannot be
// shared by name.
func init() {
	settings.Register(settings.Backend[Config, *ReplicaClient]{
		Schemes: []string{typeName, "mem"},
		Check: func(cfg *Config, _ ltxstore.Source) error {
			_, err := cfg.validate()
			return err
		},
		New: NewReplicaClient,
	})
}
