package webdav

import (
	"net/url"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// validate checks the fields, and returns the URL.
func (cfg Config) validate() (*url.URL, error) {
	if err := settings.Validate(typeName, cfg); err != nil {
		return nil, err
	}
	at, err := url.Parse(cfg.URL)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return nil, backend.Invalid(typeName, "init", "URL", ltxstore.Redact(cfg.URL), "want http://HOST/PATH or https://HOST/PATH without user, query and fragment")
	}
	return at, nil
}
