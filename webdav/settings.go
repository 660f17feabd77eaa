package webdav

import (
	"errors"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.Register(settings.Backend[Config, *ReplicaClient]{
		Schemes: []string{"webdav", "webdavs"},
		Place:   placeOf,
		Check: func(cfg *Config, _ ltxstore.Source) error {
			_, err := cfg.validate()
			return err
		},
		New: NewReplicaClient,
	})
}

// placeOf parses webdavs://USER:PASSWORD@HOST:PORT/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	if u.Host == "" {
		return nil, errors.New("the URL names no server: want webdavs://HOST/PATH")
	}
	scheme := "http://"
	if u.Scheme == "webdavs" {
		scheme = "https://"
	}
	return map[string]string{"webdav-url": scheme + u.Host, "webdav-username": u.User, "webdav-password": u.Password,
		"path": strings.TrimPrefix(u.Path, "/")}, nil
}
