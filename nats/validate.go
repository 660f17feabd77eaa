package nats

import (
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first invalid
// field. It reads no file and sends nothing.
func (cfg Config) validate() error {
	if err := settings.Validate(typeName, cfg); err != nil {
		return err
	}
	switch {
	case cfg.Bucket == "":
		return invalid("Bucket", cfg.Bucket, "want the object store's name")
	case cfg.Password != "" && cfg.Username == "":
		return invalid("Username", cfg.Username, "want the user of Password")
	case cfg.Seed == "" && (cfg.JWT != "" || nkeys.IsValidPublicUserKey(cfg.NKey)):
		return invalid("Seed", scrub.Secret(0), "want the private key of JWT or NKey")
	case cfg.Seed != "" && cfg.JWT == "" && !nkeys.IsValidPublicUserKey(cfg.NKey):
		return invalid("Seed", scrub.Secret(1), "want it empty unless JWT or a public NKey is set")
	case (cfg.ClientCert == "") != (cfg.ClientKey == ""):
		return invalid("ClientKey", cfg.ClientKey, "want ClientCert and ClientKey, or neither")
	}
	for _, server := range cfg.servers() {
		u, err := url.Parse(server)
		switch {
		case err != nil && strings.Contains(server, "@"), err == nil && u.User != nil:
			return invalid("URL", scrub.Secret(len(server)), "want a URL without a user: use Username and Password")
		case err != nil, u.Host == "", !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme), strings.Trim(u.Path, "/") != "", u.RawQuery != "":
			return invalid("URL", server, "want nats://HOST:PORT or tls://HOST:PORT; the bucket belongs in Bucket")
		}
	}
	_, _, err := cfg.keyPair()
	return err
}
