package config

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/internal/realpath"
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
func (r Replica) Place() Place {
	src := r.Source()
	return placeIn(src.Type, settings.Describe(src))
}

// placeIn returns the place that the settings of a backend describe.
func placeIn(scheme string, found map[string]string) Place {
	return Place{
		Type: scheme, Bucket: found["bucket"], Path: found["path"], Endpoint: found["endpoint"], Region: found["region"], Layout: found["layout"],
	}
}

// Locations returns a text for each place that the replica writes to: its own and those of
// its mirrors. Two replicas with a location in common overwrite each other's files. A
// replica in memory, or of an unsupported type, has none. Locations looks up symbolic links
// on the local disk, and sends no request.
func (r Replica) Locations() []string {
	if r.unsupported != nil {
		return nil
	}
	return locations(r.Source())
}

func locations(src ltxstore.Source) (found []string) {
	if set := settings.Describe(src); set != nil && src.Type != "mock" {
		place := placeIn(src.Type, set)
		for endpoint := range strings.SplitSeq(place.Endpoint, ",") { // each server of a NATS cluster
			place.Endpoint = endpoint
			found = append(found, location(place, set["user"]))
		}
	}
	for _, other := range src.Mirrors {
		found = append(found, locations(other)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// location returns the location of a place. A user may have a place of its own below the
// same path.
func location(place Place, user string) string {
	layout, err := ltxstore.ParseLayout(place.Layout)
	if err != nil { // auto
		layout = LitestreamLayout(place.Type)
	}
	host, dir := server(place.Endpoint)
	if keys, err := backend.KeysAt(layout, place.Path); err == nil && isBucket(place.Type) {
		place.Path = dir + keys.Prefix() // a store with buckets keeps keys as they are
	} else if place.Type == "file" {
		place.Path = realpath.Of(place.Path)
	} else {
		place.Path = path.Clean("/" + dir + "/" + place.Path)
	}
	return fmt.Sprintf("%q", []string{place.Type, host, user, place.Bucket, place.Path, layout.String()})
}

// services are the ends of the hosts of services in which a bucket's name is unique.
var services = []string{".amazonaws.com", ".aliyuncs.com", "storage.googleapis.com"}

// server returns the path of an endpoint, and one spelling of its host: in lower case, and
// without the usual port. The host is empty if names of buckets suffice.
func server(endpoint string) (host, dir string) {
	endpoint = strings.TrimSpace(endpoint)
	if !strings.Contains(endpoint, "://") {
		endpoint = "//" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint, ""
	}
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	for _, service := range services {
		if strings.HasSuffix(host, service) {
			return "", ""
		}
	}
	host = strings.TrimSuffix(host, ".blob.core.windows.net") // which leaves the account
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	if slices.Contains([]string{"", "80", "443", "22", "4222"}, port) {
		return host, strings.TrimRight(u.Path, "/")
	}
	return host + ":" + port, strings.TrimRight(u.Path, "/")
}
