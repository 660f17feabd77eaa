package abs

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

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

// tokens provides the tokens of a credential to a client. It registers them as
// secrets, and distinguishes its errors from those of the service.
type tokens struct {
	azcore.TokenCredential
	secrets *scrub.Secrets

	// Clients with the same transport and name share each token, which is fetched
	// once. Without a transport there is nothing to share.
	transport http.RoundTripper
	name      string
}

// tokensOf returns the tokens of a credential, which the clients of the transport t
// share: those of the registered identity as long as the environment does not
// change, others if the credential is the same pointer.
func tokensOf(credential azcore.TokenCredential, t http.RoundTripper, secrets *scrub.Secrets) *tokens {
	if _, ok := credential.(registered); ok {
		return &tokens{credential, secrets, t, fmt.Sprintf("identity %x", sha256.Sum256(fmt.Append(nil, os.Environ())))}
	}
	if reflect.ValueOf(credential).Kind() == reflect.Pointer {
		return &tokens{credential, secrets, t, fmt.Sprintf("credential %T %[1]p", credential)}
	}
	return &tokens{TokenCredential: credential, secrets: secrets}
}

// shared is a token that clients share. It keeps the credential alive, so that no
// other one gets the same pointer.
type shared struct {
	flow.Fresh[azcore.AccessToken]
	of azcore.TokenCredential
}

// tokenEarly is how long before it expires a token is renewed, unless its issuer
// says when. It is the same as in the SDK, whose clients then ask for a new one.
const tokenEarly = 5 * time.Minute

// GetToken implements azcore.TokenCredential.
func (t *tokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	get := func(ctx context.Context) (flow.Lease[azcore.AccessToken], error) {
		token, err := t.TokenCredential.GetToken(ctx, options)
		refresh := token.RefreshOn
		if refresh.IsZero() {
			refresh = token.ExpiresOn.Add(-tokenEarly)
		}
		return flow.Lease[azcore.AccessToken]{Value: token, Refresh: refresh, Expires: token.ExpiresOn}, err
	}
	of := t.transport
	if options.Claims != "" { // the service has refused the current token
		of = nil
	}
	name := fmt.Sprintf("%s, token for %q", t.name, []any{options.Scopes, options.TenantID, options.EnableCAE})
	token, err := transport.Share(of, name, func() *shared { return &shared{of: t.TokenCredential} }).Get(ctx, get)
	t.secrets.AddToken(token.Token)
	if err == nil || ctx.Err() != nil {
		return token, err
	}
	kind := fs.ErrPermission
	if ltxstore.IsRetryable(err) {
		kind = ltxstore.ErrUnavailable
	}
	return token, &ltxstore.Error{Op: "get a token", Backend: typeName, Kind: kind, Err: err}
}
