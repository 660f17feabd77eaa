package abs

import (
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It reads no file and sends nothing.
func (cfg Config) validate() error {
	if err := settings.Validate(typeName, cfg); err != nil {
		return err
	}
	if _, err := transport.Endpoint(typeName, "Endpoint", cfg.Endpoint); err != nil {
		return err
	}
	switch {
	case cfg.Bucket == "":
		return invalid("Bucket", cfg.Bucket, "want the container's name")
	case strings.Contains(cfg.Path, `\`):
		return invalid("Path", cfg.Path, "want no backslash, which the service stores as a slash")
	case cfg.Credential != nil && cfg.AccountKey+cfg.SASToken+cfg.ConnectionString != "":
		return invalid("Credential", "a credential", "want only one of Credential, AccountKey, SASToken and ConnectionString")
	case transport.InTheClear(cfg.Endpoint) && cfg.Credential != nil:
		return invalid("Endpoint", cfg.Endpoint, "want https: the token of Credential would be sent unencrypted")
	}
	return transport.CheckCustomerKey(typeName, "CustomerKey", cfg.CustomerKey, cfg.CustomerKeyFile, cfg.Endpoint)
}
