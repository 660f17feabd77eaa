package oss

import (
	"errors"
	"regexp"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.Register(settings.Backend[Config, *ReplicaClient]{
		Schemes: []string{typeName},
		Place:   placeOf,
		Check: func(cfg *Config, _ ltxstore.Source) error {
			if cfg.Endpoint != "" && !strings.Contains(cfg.Endpoint, "://") { // as in Litestream's configuration files
				cfg.Endpoint = "https://" + cfg.Endpoint
			}
			return cfg.validate()
		},
		New: NewReplicaClient,
	})
}

// ownHost matches the host name of a bucket in OSS.
var ownHost = regexp.MustCompile(`^([^.]+)\.oss-([^.]+?)(-internal)?\.aliyuncs\.com$`)

// placeOf parses oss://BUCKET/PATH and oss://BUCKET.oss-REGION[-internal].aliyuncs.com/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	switch {
	case u.HasUser:
		return nil, errors.New("unexpected user information in the URL: want the settings access-key-id and secret-access-key")
	case u.Host == "":
		return nil, errors.New("the URL has no bucket: want oss://BUCKET/PATH")
	}
	place := map[string]string{"bucket": u.Host, "path": strings.TrimPrefix(u.Path, "/")}
	if part := ownHost.FindStringSubmatch(u.Host); part != nil {
		place["bucket"], place["region"] = part[1], part[2]
		if part[3] != "" {
			place["endpoint"] = "https://oss-" + part[2] + part[3] + ".aliyuncs.com"
		}
	}
	return place, nil
}
