package transport

import (
	"errors"
	"net/url"
	"strings"
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
