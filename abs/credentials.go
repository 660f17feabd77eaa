package abs

import (
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// identity is what RegisterIdentity was given.
var identity struct {
	sync.Mutex
	open func() (azcore.TokenCredential, error)
}

// RegisterIdentity makes open the source of credentials for a Config that has
// none and an environment that has none either. Package entra calls it.
func RegisterIdentity(open func() (azcore.TokenCredential, error)) {
	identity.Lock()
	defer identity.Unlock()
	identity.open = open
}

// fromEnvironment adds what the variables of Litestream and of Azure's tools
// say, Litestream's first, if cfg does not.
func (cfg Config) fromEnvironment(getenv func(string) string) (Config, error) {
	if cfg.AccountKey == "" && cfg.SASToken == "" && cfg.ConnectionString == "" && cfg.Credential == nil {
		cfg.AccountKey = first(getenv, "LITESTREAM_AZURE_ACCOUNT_KEY")
		if cfg.AccountKey == "" {
			cfg.SASToken = first(getenv, "LITESTREAM_AZURE_SAS_TOKEN")
		}
		if cfg.AccountKey == "" && cfg.SASToken == "" && cfg.Account == "" && cfg.Endpoint == "" {
			cfg.ConnectionString = getenv("AZURE_STORAGE_CONNECTION_STRING")
		}
		if cfg.AccountKey == "" && cfg.SASToken == "" && cfg.ConnectionString == "" {
			if cfg.AccountKey = getenv("AZURE_STORAGE_KEY"); cfg.AccountKey == "" {
				cfg.SASToken = getenv("AZURE_STORAGE_SAS_TOKEN")
			}
		}
	}
	if cfg.ConnectionString != "" {
		return cfg.fromConnectionString()
	}
	cfg.SASToken = strings.TrimPrefix(cfg.SASToken, "?")
	if cfg.Account == "" && cfg.Endpoint == "" || cfg.Account == "" && cfg.AccountKey != "" {
		cfg.Account = first(getenv, "LITESTREAM_AZURE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
	}
	if cfg.AccountKey != "" || cfg.SASToken != "" || cfg.Credential != nil {
		return cfg, nil
	}
	identity.Lock()
	open := identity.open
	identity.Unlock()
	if open == nil {
		return cfg, invalid("AccountKey", "", "want it, SASToken, ConnectionString or Credential, one of their variables, or for Entra ID the package abs/entra")
	}
	credential, err := open()
	if err != nil {
		return cfg, invalid("Credential", "the environment's", err.Error())
	}
	cfg.Credential = credential
	return cfg, nil
}

// fromConnectionString replaces the connection string by what it says.
func (cfg Config) fromConnectionString() (Config, error) {
	bad := func(want string) (Config, error) {
		return cfg, invalid("ConnectionString", scrub.Secret(len(cfg.ConnectionString)), want)
	}
	parts := make(map[string]string)
	for field := range strings.SplitSeq(strings.Trim(cfg.ConnectionString, "; \n"), ";") {
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return bad("want NAME=VALUE;… as Azure's portal shows it")
		}
		parts[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	if parts["usedevelopmentstorage"] == "true" {
		return bad("want the emulator's AccountName, AccountKey and BlobEndpoint instead of UseDevelopmentStorage")
	}
	cfg.Account, cfg.AccountKey = parts["accountname"], parts["accountkey"]
	cfg.SASToken = strings.TrimPrefix(parts["sharedaccesssignature"], "?")
	cfg.Endpoint = parts["blobendpoint"]
	if cfg.AccountKey == "" && cfg.SASToken == "" {
		return bad("want an AccountKey or a SharedAccessSignature in it")
	}
	if cfg.AccountKey != "" {
		cfg.SASToken = "" // the key can do more
	}
	if suffix := parts["endpointsuffix"]; cfg.Endpoint == "" && suffix != "" && cfg.Account != "" {
		scheme := parts["defaultendpointsprotocol"]
		if scheme == "" {
			scheme = "https"
		}
		cfg.Endpoint = scheme + "://" + cfg.Account + ".blob." + suffix
	}
	cfg.ConnectionString = ""
	return cfg, nil
}
