package nats

import (
	"errors"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.Register(settings.Backend[Config, *ReplicaClient]{
		Schemes: []string{"nats"},
		Place:   placeOf,
		Check:   func(cfg *Config, _ ltxstore.Source) error { return cfg.validate() },
		New:     NewReplicaClient,
	})
}

// placeOf parses nats://USER:PASSWORD@HOST:PORT/BUCKET/PATH. Litestream's URLs have
// no path.
func placeOf(u settings.URL) (map[string]string, error) {
	bucket, path, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if bucket == "" {
		return nil, errors.New("the URL has no bucket: want nats://HOST:PORT/BUCKET/PATH")
	}
	place := map[string]string{"bucket": bucket, "path": path, "username": u.User, "password": u.Password}
	if u.Host != "" {
		place["servers"] = "nats://" + u.Host
	}
	return place, nil
}
