package abs

import (
	"cmp"
	"context"
	"io/fs"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/ltxstore/ltxstore"
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

// hasCredentials reports whether there are any.
func (cfg Config) hasCredentials() bool {
	return cfg.AccountKey+cfg.SASToken+cfg.ConnectionString != "" || cfg.Credential != nil
}

// fromEnvironment adds what the variables of Litestream and of Azure's tools
// say, in this order, if cfg does not. A connection string is not for an account
// that was chosen otherwise.
func (cfg Config) fromEnvironment(getenv func(string) string) (Config, error) {
	account := cfg.Account
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
		if !cfg.hasCredentials() && (from.field != &cfg.ConnectionString || account+cfg.Endpoint == "") {
			*from.field = getenv(from.variable)
		}
	}
	if cfg.ConnectionString != "" {
		return cfg.fromConnectionString()
	}
	if account == "" && cfg.Endpoint != "" && cfg.AccountKey == "" {
		cfg.Account = "" // the endpoint says all
	}
	if cfg.hasCredentials() {
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
	parts := make(map[string]string)
	for field := range strings.SplitSeq(strings.Trim(cfg.ConnectionString, "; \n"), ";") {
		name, value, _ := strings.Cut(field, "=")
		parts[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	cfg.Account, cfg.AccountKey, cfg.SASToken = parts["accountname"], parts["accountkey"], ""
	if cfg.AccountKey == "" { // which can do more
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

// tokens gives out tokens, keeps in mind what may not be logged, and tells its
// errors from the service's.
type tokens struct {
	azcore.TokenCredential
	secret func(token string)
}

// GetToken implements azcore.TokenCredential.
func (t *tokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := t.TokenCredential.GetToken(ctx, options)
	t.secret(token.Token)
	switch {
	case err == nil, ctx.Err() != nil:
		return token, err
	case ltxstore.IsRetryable(err):
		return token, &ltxstore.Error{Op: "get a token", Backend: typeName, Kind: ltxstore.ErrUnavailable, Err: err}
	}
	return token, &ltxstore.Error{Op: "get a token", Backend: typeName, Kind: fs.ErrPermission, Err: err}
}
