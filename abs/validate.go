package abs

import (
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const customerKeySize = 32 // AES-256

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
	inTheClear := strings.HasPrefix(strings.ToLower(cfg.Endpoint), "http:")
	query, _ := url.ParseQuery(strings.TrimPrefix(cfg.SASToken, "?"))
	switch {
	case cfg.Bucket == "":
		return invalid("Bucket", cfg.Bucket, "want the container's name")
	case cfg.SASToken != "" && query.Get("sig") == "":
		return invalid("SASToken", scrub.Secret(1), "want the query of a URL with a shared access signature: sv=…&sig=…")
	case cfg.Credential != nil && cfg.AccountKey+cfg.SASToken+cfg.ConnectionString != "":
		return invalid("Credential", "a credential", "want one of it, AccountKey, SASToken and ConnectionString")
	case inTheClear && cfg.Credential != nil:
		return invalid("Endpoint", cfg.Endpoint, "want https: the token of Credential would cross the network in the clear")
	case inTheClear && (len(cfg.CustomerKey) > 0 || cfg.CustomerKeyFile != ""):
		return invalid("Endpoint", cfg.Endpoint, "want https: CustomerKey would cross the network in the clear")
	case len(cfg.CustomerKey) > 0 && len(cfg.CustomerKey) != customerKeySize:
		return invalid("CustomerKey", scrub.Secret(1), "want 32 bytes")
	}
	return nil
}
