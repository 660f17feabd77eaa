package gcs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/httptransport"
	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// authorize returns a transport over base that adds the token of the credentials
// to requests. All clients with the same base and equal credentials share it.
func (b *bucket) authorize(base http.RoundTripper) (http.RoundTripper, error) {
	if b.cfg.Anonymous {
		return base, nil
	}
	known := new(scrub.Secrets)
	creds, err := b.cfg.credentials(&witness{base, known}, known)
	if err != nil {
		return nil, err
	}
	decides := sha256.Sum256(fmt.Append(creds.JSON(), os.Environ()))
	source := transport.Share(base, fmt.Sprintf("credentials %x", decides), func() *tokenSource {
		return &tokenSource{Credentials: creds, secrets: known}
	})
	b.log.Secrets.Include(source.secrets)
	client := &http.Client{Transport: &witness{base, &b.log.Secrets}}
	if err := httptransport.AddAuthorizationMiddleware(client, source.shared()); err != nil {
		return nil, err
	}
	return client.Transport, nil
}

// tokenSource fetches tokens of credentials that several clients share, each token
// once for all of them.
type tokenSource struct {
	*auth.Credentials
	token   flow.Fresh[*auth.Token]
	secrets *scrub.Secrets // in the credentials, and in requests for tokens
}

func (s *tokenSource) shared() *auth.Credentials {
	return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: s, JSON: s.JSON(), UniverseDomainProvider: auth.CredentialsPropertyFunc(s.UniverseDomain)})
}

// tokenEarly is how long before it expires a token is renewed. Google's library,
// which caches tokens too, asks for a new one 225 seconds before.
const tokenEarly = 3 * time.Minute

// Token implements auth.TokenProvider.
func (s *tokenSource) Token(ctx context.Context) (*auth.Token, error) {
	return s.token.Get(ctx, func(ctx context.Context) (flow.Lease[*auth.Token], error) {
		token, err := s.Credentials.Token(ctx)
		if err != nil {
			return flow.Lease[*auth.Token]{}, err
		}
		expires := token.Expiry
		if expires.IsZero() { // it does not expire
			expires = time.Now().Add(time.Hour)
		}
		return flow.Lease[*auth.Token]{Value: token, Refresh: expires.Add(-tokenEarly), Expires: expires}, nil
	})
}

// credentials returns the credentials of cfg, or else those of the environment.
// They fetch tokens over base. Their secrets are added to known.
func (cfg Config) credentials(base http.RoundTripper, known *scrub.Secrets) (*auth.Credentials, error) {
	options := &credentials.DetectOptions{
		Scopes:              []string{storage.ScopeReadWrite},
		Client:              &http.Client{Transport: base, CheckRedirect: transport.NoRedirect},
		DisableAsyncRefresh: true, // it would start a goroutine
	}
	field, content := "CredentialsJSON", cfg.CredentialsJSON
	if cfg.CredentialsFile != "" {
		field = "CredentialsFile"
		var err error
		if content, err = os.ReadFile(cfg.CredentialsFile); err != nil {
			return nil, invalid(field, cfg.CredentialsFile, "want a credentials file: "+err.Error())
		}
	}
	if len(content) == 0 && field == "CredentialsJSON" {
		creds, err := credentials.DetectDefault(options)
		if err != nil {
			return nil, backend.Refused(typeName, "init", "CredentialsFile", errors.New("not set, and there are no default credentials: "+err.Error()))
		}
		return creds, nil
	}
	const want = "want credentials in JSON, as Google's tools write them"
	var file struct{ Type string }
	if err := json.Unmarshal(content, &file); err != nil || file.Type == "" {
		return nil, invalid(field, scrub.Secret(len(content)), want)
	}
	known.Add(secretsOf(content)...)
	creds, err := credentials.NewCredentialsFromJSON(credentials.CredType(file.Type), content, options)
	if err != nil {
		return nil, invalid(field, scrub.Secret(len(content)), want+"; unknown type "+file.Type)
	}
	return creds, nil
}

// secretFields are the parts of credentials, and the parameters of a request for
// a token, that are secret.
var secretFields = []string{"private_key", "client_secret", "refresh_token", "assertion", "subject_token"}

// secretsOf returns the secrets in a file of credentials, at any depth.
func secretsOf(content []byte) []string {
	var document any
	if json.Unmarshal(content, &document) != nil {
		return nil
	}
	var found []string
	var look func(name string, value any)
	look = func(name string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, value := range v {
				look(name, value)
			}
		case string:
			if slices.Contains(secretFields, name) {
				found = append(found, v)
			}
		}
	}
	look("", document)
	return found
}

// witness registers the secrets in requests: tokens, and the credentials in
// requests for tokens.
type witness struct {
	http.RoundTripper
	secrets *scrub.Secrets
}

// RoundTrip implements http.RoundTripper.
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	if authorization := req.Header.Get("Authorization"); authorization != "" {
		_, token, _ := strings.Cut(authorization, " ")
		w.secrets.AddToken(token)
	}
	if req.GetBody != nil && strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if body, err := req.GetBody(); err == nil {
			content, _ := io.ReadAll(body) // what cannot be read is not sent
			body.Close()
			form, _ := url.ParseQuery(string(content))
			for _, name := range secretFields {
				w.secrets.AddToken(form.Get(name))
			}
		}
	}
	return w.RoundTripper.RoundTrip(req)
}
