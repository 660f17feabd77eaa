package transport

import (
	"errors"
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
)

// WantEndpoint says what ParseEndpoint accepts.
const WantEndpoint = "want a URL such as https://host, with an optional port and path"

var (
	// ErrEndpoint is the error of a URL that is not an endpoint.
	ErrEndpoint = errors.New(WantEndpoint)

	// ErrPassword is the error of a URL with credentials, which must not be shown.
	ErrPassword = errors.New(WantEndpoint + "; set credentials in their own fields")
)

// ParseEndpoint parses the URL of a service. The scheme is required.
func ParseEndpoint(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case strings.Contains(endpoint, "@"):
		return nil, ErrPassword
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", u.RawQuery != "" || u.ForceQuery, u.Fragment != "":
		return nil, ErrEndpoint
	}
	return u, nil
}

// Endpoint is ParseEndpoint for a field in the Config of a backend: its errors, of kind
// fs.ErrInvalid, name the field and show no credentials. It returns nil for the empty
// string.
func Endpoint(backendType, field, endpoint string) (*url.URL, error) {
	if endpoint == "" {
		return nil, nil
	}
	u, err := ParseEndpoint(endpoint)
	if err == nil {
		return u, nil
	}
	if strings.ContainsAny(endpoint, "@?") {
		endpoint = "[redacted]"
	}
	return nil, backend.Invalid(backendType, "init", field, endpoint, err.Error())
}

// InTheClear reports whether requests to an endpoint are sent without TLS.
func InTheClear(endpoint string) bool {
	return strings.HasPrefix(strings.ToLower(endpoint), "http:")
}
