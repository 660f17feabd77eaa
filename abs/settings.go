package abs

import (
	"errors"
	"strings"

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

// placeOf parses abs://ACCOUNT@CONTAINER/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	switch {
	case u.HasPassword:
		return nil, errors.New("the URL has a password: use account-key or sas-token")
	case u.Host == "":
		return nil, errors.New("the URL names no container: want abs://ACCOUNT@CONTAINER/PATH")
	}
	return map[string]string{"bucket": u.Host, "account-name": u.User, "path": strings.TrimPrefix(u.Path, "/")}, nil
}
