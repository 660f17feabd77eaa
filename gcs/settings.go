package gcs

import (
	"errors"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.Register(settings.Backend[Config, *ReplicaClient]{
		Schemes: []string{typeName, "gs"}, // used by Google's tools and Litestream
		Place:   placeOf,
		Check:   func(cfg *Config, _ ltxstore.Source) error { return cfg.validate() },
		New:     NewReplicaClient,
	})
}

// placeOf parses gs://BUCKET/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	switch {
	case u.HasUser:
		return nil, errors.New("the URL has a user: use credentials-file, or the application default credentials")
	case u.Host == "":
		return nil, errors.New("the URL has no bucket: want gs://BUCKET/PATH")
	}
	return map[string]string{"bucket": u.Host, "path": strings.TrimPrefix(u.Path, "/")}, nil
}
