package s3

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/ltxstore/ltxstore/backend/settings"
)

var errPlace = errors.New("the URL has no bucket: want s3://BUCKET/PATH, with the service in endpoint=")

// form is a kind of host with a bucket before the name of a service.
type form struct {
	pattern string // as in provider.hosts
	aws     bool   // needs no endpoint
}

// forms returns the hosts of services that consist of a bucket and an endpoint. Any
// other host without a port is a bucket.
func forms() []form {
	return []form{
		{"s3.{region}.amazonaws.com", true},
		{"s3.amazonaws.com", true},
		{"s3.{region}.digitaloceanspaces.com", false}, // before the next one, in which s3 would be the bucket
		{"{region}.digitaloceanspaces.com", false},
		{"s3.{region}.backblazeb2.com", false},
		{"s3.filebase.com", false},
		{"s3.{region}.scw.cloud", false},
		{"{region}.linodeobjects.com", false}, // of Litestream 0.3
		// Neon: an endpoint for each branch. The last {region} is the region.
		{"br-{region}.storage.{region}.{region}.aws.neon.tech", false},
	}
}

// placeOf parses s3://[ID:SECRET@]HOST/PATH.
func placeOf(u settings.URL) (map[string]string, error) {
	place := make(map[string]string)
	if u.HasUser {
		place["access-key-id"], place["secret-access-key"] = u.User, u.Password
		if u.User == "" || u.Password == "" {
			return nil, errors.New("the URL has only one of user and password: want both, the access key's ID and its secret, or neither")
		}
	}
	if u.Path != "" && u.Path != "/" {
		place["path"] = strings.TrimPrefix(u.Path, "/")
	}
	if !u.HasAuthority || u.Host == "" {
		return nil, errPlace
	}
	return place, splitHost(u.Host, place)
}

func splitHost(host string, place map[string]string) error {
	if strings.HasPrefix(strings.ToLower(host), "arn:") {
		place["bucket"] = host
		if parsed, err := arn.Parse(host); err == nil && parsed.Region != "" {
			place["region"] = parsed.Region
		}
		return nil
	}
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		name, port = host[:i], host[i:]
	}
	for _, f := range forms() {
		region, ok := matchHost(strings.ToLower(name), f.pattern, false)
		if !ok {
			continue
		}
		front := strings.Count(name, ".") - strings.Count(f.pattern, ".")
		bucket, endpoint := cutLabels(name, front)
		switch {
		case front == 0:
			return errPlace
		case port != "":
			return fmt.Errorf("the URL's host is %q: want it without a port", host)
		case !f.aws:
			place["endpoint"] = "https://" + strings.ToLower(endpoint)
		}
		place["bucket"] = bucket
		if region != "" {
			place["region"] = region
		}
		return nil
	}
	return splitLocal(host, name, port, place)
}

// splitLocal parses BUCKET.HOST:PORT, for servers such as MinIO without TLS, and
// BUCKET.localhost. Anything else is a bucket.
func splitLocal(host, name, port string, place map[string]string) error {
	labels := strings.Count(name, ".") + 1
	front := 1 // labels of the bucket, if there is a port
	switch {
	case isAddress(name) || strings.EqualFold(name, "localhost") || port != "" && labels == 1:
		return errPlace
	case labels > 4 && isAddress(lastLabels(name, 4)):
		front = labels - 4
	case strings.EqualFold(lastLabels(name, 1), "localhost"):
		front = labels - 1
	case port == "":
		place["bucket"] = host
		return nil
	}
	bucket, service := cutLabels(name, front)
	if bucket == "" || port == ":" {
		return errPlace
	}
	place["bucket"], place["endpoint"] = bucket, "http://"+service+port
	return nil
}

// cutLabels splits a host after n labels.
func cutLabels(host string, n int) (front, back string) {
	labels := strings.Split(host, ".")
	return strings.Join(labels[:n], "."), strings.Join(labels[n:], ".")
}

func lastLabels(host string, n int) string {
	_, back := cutLabels(host, strings.Count(host, ".")+1-n)
	return back
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// withScheme adds a scheme to an endpoint, as Litestream does: http if it is certainly
// local, where TLS is rare, and otherwise https. A name that only begins like a private
// address (10.example.com) is not local.
func withScheme(endpoint string) string {
	if endpoint == "" || strings.Contains(endpoint, "://") {
		return endpoint
	}
	host, _, _ := strings.Cut(endpoint, "/")
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	addr, err := netip.ParseAddr(host)
	local := err == nil && (addr.IsLoopback() || addr.IsPrivate())
	if local || host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") {
		return "http://" + endpoint
	}
	return "https://" + endpoint
}
