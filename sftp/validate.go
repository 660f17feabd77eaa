package sftp

import (
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate checks the fields. It reads no file.
func (cfg Config) validate() error {
	if err := settings.Validate(typeName, cfg); err != nil {
		return err
	}
	switch {
	case cfg.Host == "":
		return invalid("Host", cfg.Host, "want the server's name or address")
	case cfg.User == "":
		return invalid("User", cfg.User, "want the account's name")
	case cfg.Password == "" && cfg.KeyPath == "" && !cfg.Agent:
		return invalid("Password", "", "want a Password, a KeyPath or Agent")
	}
	return nil
}
