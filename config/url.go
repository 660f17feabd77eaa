package config

import (
	"cmp"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// Place is the place of a replica, determined from its section, its URL, the
// environment and the defaults of its backend.
type Place struct {
	Type     string // the backend's scheme
	Bucket   string // empty in a store without buckets
	Path     string // what its keys, or the names of its files, begin with
	Endpoint string // the server's URL or host; empty is the service's own
	Region   string
	Layout   string // "auto" is found out when the replica is opened
}

// Place returns the place of the replica. If the replica is not supported,
// only Type is set.
func (r Replica) Place() Place { return placeOf(r.Source()) }

func placeOf(src ltxstore.Source) Place { return placeIn(src.Type, settings.Describe(src)) }

// placeIn returns the place that the settings of a backend describe.
func placeIn(scheme string, found map[string]string) Place {
	return Place{
		Type: scheme, Bucket: found["bucket"], Path: found["path"], Endpoint: found["endpoint"], Region: found["region"], Layout: found["layout"],
	}
}

// URL returns a URL of the replica for ltxstore.Open and the command, with
// the same place, layout and settings. It contains no secrets: credentials in
// the file must then come from the environment, and a wrapper with a secret
// is left out, as are the other replicas of a mirror.
func (r Replica) URL() string {
	if r.unsupported != nil {
		return r.String()
	}
	return cmp.Or(settings.URLOf(r.Source()), r.String())
}
