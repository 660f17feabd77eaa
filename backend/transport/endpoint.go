package transport

import (
	"errors"
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
)

// WantEndpoint says what ParseEndpoint accepts.
const WantEndpoint = "want a URL as https://host, with an optional port and path and nothing else"

var (
	// ErrEndpoint is the error of a URL that is no endpoint.
	ErrEndpoint = errors.New(WantEndpoint)

	// ErrPassword is that of one with credentials, which may not be shown.
	ErrPassword = errors.New(WantEndpoint + ": credentials have fields of their own")
)

// ParseEndpoint reads the URL of a service. A scheme is never guessed.
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

// Endpoint is ParseEndpoint for a field of the Config of a backend of that Type: its
// errors, of kind fs.ErrInvalid, name the field and show no credentials. It returns
// nil for the empty string.
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
