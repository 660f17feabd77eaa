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
	set := func(field *string, variable string) {
		if !cfg.hasCredentials() {
			*field = getenv(variable)
		}
	}
	set(&cfg.AccountKey, "LITESTREAM_AZURE_ACCOUNT_KEY")
	set(&cfg.SASToken, "LITESTREAM_AZURE_SAS_TOKEN")
	if cfg.Account+cfg.Endpoint == "" {
		set(&cfg.ConnectionString, "AZURE_STORAGE_CONNECTION_STRING")
	}
	set(&cfg.AccountKey, "AZURE_STORAGE_KEY")
	set(&cfg.SASToken, "AZURE_STORAGE_SAS_TOKEN")
	parts := partsOf(cfg.ConnectionString)
	switch {
	case cfg.ConnectionString != "":
		cfg.Account, cfg.Endpoint, cfg.AccountKey = parts["accountname"], parts["blobendpoint"], parts["accountkey"]
		if cfg.AccountKey == "" { // the key allows more
			cfg.SASToken = parts["sharedaccesssignature"]
		}
		if cfg.AccountKey+cfg.SASToken == "" {
			return cfg, invalid("ConnectionString", scrub.Secret(1), "want NAME=VALUE;… as Azure's portal shows it, with an AccountKey or a SharedAccessSignature")
		}
		cfg.ConnectionString = ""
	case cfg.Endpoint == "" || cfg.AccountKey != "": // otherwise the endpoint suffices
		cfg.Account = cmp.Or(cfg.Account, getenv("AZURE_STORAGE_ACCOUNT"))
	}
	if cfg.Account == "" && (cfg.Endpoint == "" || cfg.AccountKey != "") {
		return cfg, invalid("Account", "", "want the storage account's name")
	}
	cfg.Endpoint = cmp.Or(cfg.Endpoint, parts["defaultendpointsprotocol"]+"://"+cfg.Account+".blob."+parts["endpointsuffix"])
	cfg.Endpoint, cfg.SASToken = strings.TrimRight(cfg.Endpoint, "/"), strings.TrimPrefix(cfg.SASToken, "?")
	if cfg.hasCredentials() {
		return cfg, nil
	}
	open := identity.Load()
	if open == nil {
		return cfg, invalid("AccountKey", "", "want AccountKey, SASToken, ConnectionString or Credential, or one of their variables; for Entra ID, import abs/entra")
	}
	credential, err := (*open)()
	if err != nil {
		return cfg, invalid("Credential", "the environment's", err.Error())
	}
	cfg.Credential = registered{credential}
	return cfg, nil
}

// partsOf returns the parts of a connection string, by name in lower case.
func partsOf(connection string) map[string]string {
	parts := map[string]string{"defaultendpointsprotocol": "https", "endpointsuffix": "core.windows.net"}
	for field := range strings.SplitSeq(connection, ";") {
		name, value, _ := strings.Cut(field, "=")
		parts[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return parts
}

// identity holds the argument of RegisterIdentity.
var identity atomic.Pointer[func() (azcore.TokenCredential, error)]

// RegisterIdentity makes open the source of credentials if neither a Config nor
// the environment has any. Package entra calls it.
func RegisterIdentity(open func() (azcore.TokenCredential, error)) { identity.Store(&open) }

// registered is a credential that comes from RegisterIdentity.
type registered struct{ azcore.TokenCredential }

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
		refresh := cmp.Or(token.RefreshOn, token.ExpiresOn.Add(-5*time.Minute)) // when the SDK asks for a new one
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
