package file

import (
	"errors"
	"path/filepath"
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

// placeOf reads file:///absolute/path and file:relative/path.
func placeOf(u settings.URL) (map[string]string, error) {
	switch {
	case u.HasUser, u.Host != "" && !strings.EqualFold(u.Host, "localhost"):
		return nil, errors.New("the URL has a host before its path: want file:///ABSOLUTE/PATH or file:RELATIVE/PATH")
	case u.Path == "":
		return nil, errors.New("the URL has no path: want file:///ABSOLUTE/PATH or file:RELATIVE/PATH")
	}
	path := u.Path
	if drive := strings.TrimPrefix(path, "/"); filepath.VolumeName(drive) != "" {
		path = drive // file:///C:/path
	}
	return map[string]string{"path": filepath.FromSlash(path)}, nil
}
