package sftp

import (
	"errors"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.Register(settings.Backend[Config, *ReplicaClient]{
		Schemes: []string{typeName},
		Place:   placeOf,
		Check:   func(cfg *Config, _ ltxstore.Source) error { return cfg.validate() },
		New:     NewReplicaClient,
	})
}

// placeOf parses sftp://USER:PASSWORD@HOST:PORT/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	if u.Host == "" {
		return nil, errors.New("the URL names no server: want sftp://USER@HOST/PATH")
	}
	return map[string]string{"host": u.Host, "user": u.User, "password": u.Password, "path": u.Path}, nil
}
