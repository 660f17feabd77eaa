package gcs

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const (
	maxPageSize = 1000      // "Objects: list", maxResults
	chunkUnit   = 256 << 10 // "Resumable uploads": every chunk but the last is a multiple

	customerKeySize = 32 // AES-256
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It looks at no file and sends nothing.
func (cfg Config) validate() error {
	for _, check := range []func() error{
		func() error { return settings.Validate(typeName, cfg) },
		cfg.validatePlace, cfg.validateCredentials, cfg.validateClient, cfg.validateObject,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (cfg Config) validatePlace() error {
	switch bucket := cfg.Bucket; {
	case bucket == "":
		return invalid("Bucket", bucket, "want the bucket's name")
	case strings.Contains(bucket, "/"):
		return invalid("Bucket", bucket, "want a name without a slash; what follows it belongs into Path")
	case !isBucket(bucket):
		return invalid("Bucket", bucket, "want 3 to 222 lower-case letters, digits, dots, hyphens and underscores, with a letter or digit at both ends")
	}
	_, err := parseEndpoint("Endpoint", cfg.Endpoint)
	return err
}

// isBucket is the rule of Cloud Storage's "Bucket naming guidelines", but for
// the length of the parts between dots.
func isBucket(name string) bool {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`).MatchString(name)
}

// parseEndpoint returns nil for the empty endpoint.
func parseEndpoint(field, endpoint string) (*url.URL, error) {
	u, err := transport.Endpoint(typeName, field, endpoint)
	if u == nil {
		return nil, err
	}
	if path := strings.Trim(u.Path, "/"); path != "" && path != strings.Trim(apiPath, "/") {
		return nil, invalid(field, endpoint, "want no path, or "+apiPath+": the library sends uploads to the host's root")
	}
	return u, nil
}

func (cfg Config) validateCredentials() error {
	if cfg.Anonymous && (cfg.CredentialsFile != "" || len(cfg.CredentialsJSON) > 0) {
		return invalid("Anonymous", true, "want false beside CredentialsFile and CredentialsJSON")
	}
	return nil
}

// validateClient refuses what a client that is there already cannot be told.
func (cfg Config) validateClient() error {
	if cfg.Client == nil {
		return nil
	}
	const want = "want it empty beside a Client, which has its own"
	switch {
	case cfg.Endpoint != "":
		return invalid("Endpoint", cfg.Endpoint, want)
	case cfg.CredentialsFile != "":
		return invalid("CredentialsFile", cfg.CredentialsFile, want)
	case len(cfg.CredentialsJSON) > 0:
		return invalid("CredentialsJSON", scrub.Secret(1), want)
	case cfg.Anonymous:
		return invalid("Anonymous", true, want)
	case cfg.HTTP.RoundTripper != nil:
		return invalid("HTTP.RoundTripper", "a RoundTripper", want)
	case cfg.HTTP.CABundle != "":
		return invalid("HTTP.CABundle", cfg.HTTP.CABundle, want)
	case cfg.HTTP.InsecureSkipVerify:
		return invalid("HTTP.InsecureSkipVerify", true, want)
	case cfg.HTTP.MaxConns != 0:
		return invalid("HTTP.MaxConns", cfg.HTTP.MaxConns, want)
	case cfg.HTTP.MaxIdleConns != 0:
		return invalid("HTTP.MaxIdleConns", cfg.HTTP.MaxIdleConns, want)
	}
	return nil
}

func (cfg Config) validateObject() error {
	customer := len(cfg.SSECustomerKey) > 0 || cfg.SSECustomerKeyFile != ""
	switch {
	case cfg.Transfer.PartSize%chunkUnit != 0:
		return invalid("Transfer.PartSize", cfg.Transfer.PartSize, "want 0 (default), or a multiple of 256 KiB up to 1 GiB, in bytes")
	case cfg.KMSKeyName != "" && customer:
		return invalid("KMSKeyName", cfg.KMSKeyName, "want one encryption: KMSKeyName or SSECustomerKey")
	case len(cfg.SSECustomerKey) > 0 && len(cfg.SSECustomerKey) != customerKeySize:
		return invalid("SSECustomerKey", scrub.Secret(1), "want 32 bytes")
	case customer && strings.HasPrefix(strings.ToLower(cfg.Endpoint), "http:"):
		return invalid("Endpoint", cfg.Endpoint, "want https: SSECustomerKey would cross the network in the clear")
	}
	return nil
}
