package abs

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const (
	maxPageSize = 5000 // "List Blobs", maxresults

	customerKeySize = 32 // AES-256
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It reads no file and sends nothing.
func (cfg Config) validate() error {
	for _, check := range []func() error{
		func() error { return settings.Validate(typeName, cfg) },
		cfg.validatePlace, cfg.validateCredentials, cfg.validateTransport, cfg.validateBlob,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// containerName is the rule of "Naming and referencing containers".
var containerName = regexp.MustCompile(`^(\$root|\$web|[a-z0-9](-?[a-z0-9]){2,62})$`)

func (cfg Config) validatePlace() error {
	switch {
	case cfg.Bucket == "":
		return invalid("Bucket", cfg.Bucket, "want the container's name")
	case strings.Contains(cfg.Bucket, "/"):
		return invalid("Bucket", cfg.Bucket, "want a name without a slash; what follows it belongs into Path")
	case len(cfg.Bucket) > 63, !containerName.MatchString(cfg.Bucket):
		return invalid("Bucket", cfg.Bucket, "want 3 to 63 lower-case letters, digits and single hyphens, with a letter or digit at both ends")
	}
	if cfg.Endpoint == "" {
		return nil
	}
	_, err := parseEndpoint("Endpoint", cfg.Endpoint)
	return err
}

// parseEndpoint refuses a URL that has a password, or a signature in its query,
// without showing it.
func parseEndpoint(field, endpoint string) (*url.URL, error) {
	u, err := transport.ParseEndpoint(endpoint)
	switch {
	case err != nil && shown(endpoint) != endpoint:
		return nil, invalid(field, scrub.Secret(len(endpoint)), err.Error())
	case err != nil:
		return nil, invalid(field, endpoint, err.Error())
	}
	return u, nil
}

// shown hides an endpoint that has a password or a query in it, which Init
// refuses.
func shown(endpoint string) string {
	if strings.ContainsAny(endpoint, "@?") {
		return "[redacted]"
	}
	return endpoint
}

func (cfg Config) validateCredentials() error {
	if cfg.AccountKey != "" {
		if _, err := base64.StdEncoding.DecodeString(cfg.AccountKey); err != nil {
			return invalid("AccountKey", scrub.Secret(1), "want the account's key, in base64")
		}
	}
	if cfg.SASToken != "" {
		if query, err := url.ParseQuery(strings.TrimPrefix(cfg.SASToken, "?")); err != nil || query.Get("sig") == "" {
			return invalid("SASToken", scrub.Secret(1), "want the query of a URL with a shared access signature: sv=…&sig=…")
		}
	}
	given := cfg.AccountKey + cfg.SASToken + cfg.ConnectionString
	switch {
	case cfg.Credential != nil && given != "":
		return invalid("Credential", "a credential", "want one of it, AccountKey, SASToken and ConnectionString")
	case cfg.ConnectionString != "" && cfg.Account != "":
		return invalid("Account", cfg.Account, "want it empty beside a ConnectionString, which has its own")
	case cfg.ConnectionString != "" && cfg.Endpoint != "":
		return invalid("Endpoint", cfg.Endpoint, "want it empty beside a ConnectionString, which has its own")
	case cfg.Credential != nil && strings.HasPrefix(strings.ToLower(cfg.Endpoint), "http:"):
		return invalid("Endpoint", cfg.Endpoint, "want https: the token of Credential would cross the network in the clear")
	}
	return nil
}

func (cfg Config) validateTransport() error {
	switch {
	case cfg.CABundle != "" && cfg.RoundTripper != nil:
		return invalid("CABundle", cfg.CABundle, "want it empty beside a RoundTripper, which has its own certificates")
	case cfg.CABundle != "" && cfg.InsecureSkipVerify:
		return invalid("InsecureSkipVerify", true, "want false beside a CABundle: nothing would be verified by it")
	}
	return nil
}

func (cfg Config) validateBlob() error {
	customer := len(cfg.CustomerKey) > 0 || cfg.CustomerKeyFile != ""
	switch {
	case cfg.EncryptionScope != "" && customer:
		return invalid("EncryptionScope", cfg.EncryptionScope, "want one encryption: EncryptionScope or CustomerKey")
	case len(cfg.CustomerKey) > 0 && len(cfg.CustomerKey) != customerKeySize:
		return invalid("CustomerKey", scrub.Secret(1), "want 32 bytes")
	case customer && strings.HasPrefix(strings.ToLower(cfg.Endpoint), "http:"):
		return invalid("Endpoint", cfg.Endpoint, "want https: CustomerKey would cross the network in the clear")
	}
	return nil
}
