package webdav

import (
	"errors"

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

// placeOf reads webdavs://USER:PASSWORD@HOST:PORT/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	if u.Host == "" {
		return nil, errors.New("the URL names no server: want webdavs://HOST/PATH")
	}
	scheme := "http://"
	if u.Scheme == "webdavs" {
		scheme = "https://"
	}
	place := map[string]string{"webdav-url": scheme + u.Host}
	if u.HasUser {
		place["webdav-username"] = u.User
	}
	if u.HasPassword {
		place["webdav-password"] = u.Password
	}
	if len(u.Path) > 1 {
		place["path"] = u.Path[1:]
	}
	return place, nil
}
