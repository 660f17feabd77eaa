package sftp

import (
	"errors"
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.Register(settings.Backend[Config, *ReplicaClient]{
		Schemes: []string{typeName},
		Place:   placeOf,
		URL:     urlOf,
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

// urlOf is the inverse of placeOf. The URL contains no credentials, and cannot contain
// a relative path.
func urlOf(set map[string]string) (string, []string) {
	place := "sftp://" + set["host"]
	if path := set["path"]; strings.HasPrefix(path, "/") {
		return place + (&url.URL{Path: path}).EscapedPath(), []string{"host", "path"}
	}
	return place, []string{"host"}
}
