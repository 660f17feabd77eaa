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

// Locations returns a text for each place that the replica writes to: its own and those of
// its mirrors, in a normal form. Two replicas with a location in common overwrite each
// other's files. A replica in memory, or of an unsupported type, has none. Locations looks
// up symbolic links on the local disk, and sends no request.
func (r Replica) Locations() []string {
	if r.unsupported != nil {
		return nil
	}
	return locations(r.Source())
}

func locations(src ltxstore.Source) (found []string) {
	if set := settings.Describe(src); set != nil { // its type has a backend
		found = locationsOf(placeIn(src.Type, set), set["user"])
	}
	for _, other := range src.Mirrors {
		found = append(found, locations(other)...)
	}
	return found
}

// locationsOf returns the locations of a place: one, or one for each server of a NATS
// cluster. A user may have a place of its own below the same path.
func locationsOf(place Place, user string) (found []string) {
	if place.Layout == "auto" {
		place.Layout = LitestreamLayout(place.Type).String()
	}
	switch place.Type {
	case "mock", "":
		return nil
	case "file":
		place.Path = realpath.Of(place.Path)
	case "sftp":
		place.Path = path.Clean(place.Path)
	case "webdav":
		if u, err := url.Parse(place.Endpoint); err == nil {
			place.Path, u.Path = u.Path+"/"+place.Path, ""
			place.Endpoint = u.String()
		}
		place.Path = path.Clean("/" + place.Path)
	case "nats":
		place.Path = path.Clean("/" + place.Path)
	default:
		if layout, err := ltxstore.ParseLayout(place.Layout); err == nil {
			if keys, err := backend.KeysAt(layout, place.Path); err == nil {
				place.Path = keys.Prefix() // a store with buckets keeps keys as they are
			}
		}
	}
	for endpoint := range strings.SplitSeq(place.Endpoint, ",") {
		found = append(found, fmt.Sprintf("%q", []string{place.Type, server(endpoint), user, place.Bucket, place.Path, place.Layout}))
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// services are the ends of the hosts of services in which a bucket's name says where it is.
var services = []string{".amazonaws.com", ".aliyuncs.com", "storage.googleapis.com"}

// server returns one spelling of an endpoint: its host in lower case, a port unless it is the usual
// one, and its path. It is empty for a service that has one namespace for all.
func server(endpoint string) string {
	endpoint = strings.TrimSpace(endpoint)
	if endpoint == "" {
		return ""
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "//" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	for _, service := range services {
		if strings.HasSuffix(host, service) {
			return ""
		}
	}
	host = strings.TrimSuffix(host, ".blob.core.windows.net") // which leaves the account
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	switch port {
	case "80", "443", "22", "4222":
		port = ""
	}
	return host + ":" + port + strings.TrimRight(u.Path, "/")
}
