package abs

import (
	"cmp"
	"strings"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

func (cfg Config) hasCredentials() bool {
	return cfg.AccountKey+cfg.SASToken+cfg.ConnectionString != "" || cfg.Credential != nil
}

// withAccount returns cfg with its Endpoint, and with missing fields set from the
// variables of Litestream and then of Azure's tools. A connection string is
// replaced by its parts, and that of the environment is ignored if the account
// was chosen in another way.
func (cfg Config) withAccount(getenv func(string) string) (Config, error) {
	given := cfg.Account
	cfg.Account = cmp.Or(cfg.Account, getenv("AZURE_STORAGE_ACCOUNT"))
	for _, from := range []struct {
		field    *string
		variable string
	}{
		{&cfg.AccountKey, "LITESTREAM_AZURE_ACCOUNT_KEY"},
		{&cfg.SASToken, "LITESTREAM_AZURE_SAS_TOKEN"},
		{&cfg.ConnectionString, "AZURE_STORAGE_CONNECTION_STRING"},
		{&cfg.AccountKey, "AZURE_STORAGE_KEY"},
		{&cfg.SASToken, "AZURE_STORAGE_SAS_TOKEN"},
	} {
		if !cfg.hasCredentials() && (from.field != &cfg.ConnectionString || given+cfg.Endpoint == "") {
			*from.field = getenv(from.variable)
		}
	}
	var err error
	if cfg.ConnectionString != "" {
		cfg, err = cfg.parsed()
	} else if given == "" && cfg.Endpoint != "" && cfg.AccountKey == "" {
		cfg.Account = "" // the endpoint suffices
	}
	if err == nil && !cfg.hasCredentials() {
		cfg.Credential, err = registeredIdentity()
	}
	switch {
	case err != nil:
		return cfg, err
	case cfg.Account == "" && (cfg.Endpoint == "" || cfg.AccountKey != ""):
		return cfg, invalid("Account", "", "want the storage account's name")
	case cfg.Endpoint == "":
		cfg.Endpoint = "https://" + cfg.Account + ".blob.core.windows.net"
	}
	cfg.Endpoint, cfg.SASToken = strings.TrimRight(cfg.Endpoint, "/"), strings.TrimPrefix(cfg.SASToken, "?")
	return cfg, nil
}

// parsed returns cfg with its connection string replaced by the parts.
func (cfg Config) parsed() (Config, error) {
	parts := make(map[string]string)
	for field := range strings.SplitSeq(strings.Trim(cfg.ConnectionString, "; \n"), ";") {
		name, value, _ := strings.Cut(field, "=")
		parts[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	cfg.Account, cfg.AccountKey, cfg.SASToken = parts["accountname"], parts["accountkey"], ""
	if cfg.AccountKey == "" { // the key allows more
		cfg.SASToken = parts["sharedaccesssignature"]
	}
	if cfg.AccountKey+cfg.SASToken == "" {
		return cfg, invalid("ConnectionString", scrub.Secret(len(cfg.ConnectionString)), "want NAME=VALUE;… as Azure's portal shows it, with an AccountKey or a SharedAccessSignature")
	}
	cfg.Endpoint = parts["blobendpoint"]
	if suffix := parts["endpointsuffix"]; cfg.Endpoint == "" && suffix != "" && cfg.Account != "" {
		cfg.Endpoint = cmp.Or(parts["defaultendpointsprotocol"], "https") + "://" + cfg.Account + ".blob." + suffix
	}
	cfg.ConnectionString = ""
	return cfg, nil
}
