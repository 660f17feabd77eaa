package account

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// tokens provides tokens, registers them as secrets, and distinguishes its errors
// from those of the service.
type tokens struct {
	*commonTokens
	secret func(token string)
}

// GetToken implements azcore.TokenCredential.
func (t *tokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := t.commonTokens.GetToken(ctx, options)
	t.secret(token.Token)
	if err == nil || ctx.Err() != nil {
		return token, err
	}
	kind := fs.ErrPermission
	if ltxstore.IsRetryable(err) {
		kind = ltxstore.ErrUnavailable
	}
	return token, &ltxstore.Error{Op: "get a token", Backend: backendType, Kind: kind, Err: err}
}

// commonTokens holds the tokens of a credential. All clients with the same
// transport share them, so that each token is fetched once.
type commonTokens struct {
	azcore.TokenCredential

	mu   sync.Mutex
	held map[string]*flow.Fresh[azcore.AccessToken] // by request
}

// commonTokens returns the tokens of a's credential, which the clients of the
// transport t share: those of the environment as long as its variables do not
// change, others if the credential is the same pointer.
func (a Account) commonTokens(t http.RoundTripper) *commonTokens {
	open := func() *commonTokens { return &commonTokens{TokenCredential: a.Credential} }
	switch {
	case a.Registered:
		return transport.Share(t, fmt.Sprintf("identity %x", sha256.Sum256(fmt.Append(nil, os.Environ()))), open)
	case reflect.ValueOf(a.Credential).Kind() == reflect.Pointer:
		return transport.Share(t, fmt.Sprintf("credential %T %[1]p", a.Credential), open)
	}
	return open()
}

// tokenEarly is how long before it expires a token is renewed, unless its issuer
// says when. It is the same as in the SDK, whose clients then ask for a new one.
const tokenEarly = 5 * time.Minute

// GetToken implements azcore.TokenCredential.
func (c *commonTokens) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if options.Claims != "" { // the service has refused the current token
		return c.TokenCredential.GetToken(ctx, options)
	}
	return c.of(options).Get(ctx, func(ctx context.Context) (flow.Lease[azcore.AccessToken], error) {
		token, err := c.TokenCredential.GetToken(ctx, options)
		refresh := token.RefreshOn
		if refresh.IsZero() {
			refresh = token.ExpiresOn.Add(-tokenEarly)
		}
		return flow.Lease[azcore.AccessToken]{Value: token, Refresh: refresh, Expires: token.ExpiresOn}, err
	})
}

func (c *commonTokens) of(options policy.TokenRequestOptions) *flow.Fresh[azcore.AccessToken] {
	key := fmt.Sprintf("%q", []any{options.Scopes, options.TenantID, options.EnableCAE})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[key] == nil {
		if c.held == nil {
			c.held = make(map[string]*flow.Fresh[azcore.AccessToken])
		}
		c.held[key] = new(flow.Fresh[azcore.AccessToken])
	}
	return c.held[key]
}
