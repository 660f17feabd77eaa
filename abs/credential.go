package abs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/flow"
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
		cfg.Endpoint = "https://" + cfg.Account + ".blob." + cloud
	}
	cfg.Endpoint, cfg.SASToken = strings.TrimRight(cfg.Endpoint, "/"), strings.TrimPrefix(cfg.SASToken, "?")
	return cfg, nil
}

// cloud is the domain of Azure's public cloud.
const cloud = "core.windows.net"

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
	if cfg.Endpoint == "" && cfg.Account != "" {
		cfg.Endpoint = cmp.Or(parts["defaultendpointsprotocol"], "https") + "://" + cfg.Account + ".blob." + cmp.Or(parts["endpointsuffix"], cloud)
	}
	cfg.ConnectionString = ""
	return cfg, nil
}

// identity holds the argument of RegisterIdentity.
var identity atomic.Pointer[func() (azcore.TokenCredential, error)]

// RegisterIdentity makes open the source of credentials if neither a Config nor
// the environment has any. Package entra calls it.
func RegisterIdentity(open func() (azcore.TokenCredential, error)) { identity.Store(&open) }

// registered is a credential that comes from RegisterIdentity.
type registered struct{ azcore.TokenCredential }

func registeredIdentity() (azcore.TokenCredential, error) {
	open := identity.Load()
	if open == nil {
		return nil, invalid("AccountKey", "", "want AccountKey, SASToken, ConnectionString or Credential, or one of their variables; for Entra ID, import abs/entra")
	}
	credential, err := (*open)()
	if err != nil {
		return nil, invalid("Credential", "the environment's", err.Error())
	}
	return registered{credential}, nil
}

// tokens provides the tokens of a credential to clients, and fetches each once for
// all of them. Its errors are distinguished from those of the service.
type tokens struct {
	azcore.TokenCredential
	secrets scrub.Secrets // the tokens
	held    sync.Map      // by what is requested: *flow.Fresh[azcore.AccessToken]
}

// tokensOf returns the tokens of a credential, which the clients of the transport t
// share: those of the registered identity as long as the environment does not
// change, others if the credential is the same pointer. It adds them to secrets.
func tokensOf(credential azcore.TokenCredential, t http.RoundTripper, secrets *scrub.Secrets) *tokens {
	name := fmt.Sprintf("credential %T %[1]p", credential)
	if _, ok := credential.(registered); ok {
		name = fmt.Sprintf("identity %x", sha256.Sum256(fmt.Append(nil, os.Environ())))
	} else if reflect.ValueOf(credential).Kind() != reflect.Pointer {
		t = nil // it cannot be recognised
	}
	shared := transport.Share(t, name, func() *tokens { return &tokens{TokenCredential: credential} })
	secrets.Include(&shared.secrets)
	return shared
}

// tokenEarly is how long before it expires a token is renewed, unless its issuer
// says when. It is the same as in the SDK, whose clients then ask for a new one.
const tokenEarly = 5 * time.Minute

// GetToken implements azcore.TokenCredential.
func (t *tokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	fresh := new(flow.Fresh[azcore.AccessToken])
	if options.Claims == "" { // otherwise the service has refused the current token
		held, _ := t.held.LoadOrStore(fmt.Sprintf("%q", []any{options.Scopes, options.TenantID, options.EnableCAE}), fresh)
		fresh = held.(*flow.Fresh[azcore.AccessToken])
	}
	token, err := fresh.Get(ctx, func(ctx context.Context) (flow.Lease[azcore.AccessToken], error) {
		token, err := t.TokenCredential.GetToken(ctx, options)
		t.secrets.AddToken(token.Token)
		refresh := cmp.Or(token.RefreshOn, token.ExpiresOn.Add(-tokenEarly))
		return flow.Lease[azcore.AccessToken]{Value: token, Refresh: refresh, Expires: token.ExpiresOn}, err
	})
	if err == nil || ctx.Err() != nil {
		return token, err
	}
	kind := fs.ErrPermission
	if ltxstore.IsRetryable(err) {
		kind = ltxstore.ErrUnavailable
	}
	return token, &ltxstore.Error{Op: "get a token", Backend: typeName, Kind: kind, Err: err}
}
