package s3

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// fetchEarly is how long before their expiry credentials are fetched again. For those of
// machines and containers, the SDK does so five minutes before.
const fetchEarly = time.Minute

// shareCredentials makes sdk use credentials that all clients with the transport t and the same
// configuration share. The SDK's cache fetches them once for all, with a context that does not end
// with a caller's, and does not keep errors. Keys that do not expire are shared to save memory.
func (cfg Config) shareCredentials(sdk *aws.Config, t http.RoundTripper, secrets *scrub.Secrets) {
	common := transport.Share(t, "credentials "+cfg.identity(*sdk), func() aws.CredentialsProvider { return cfg.source(*sdk) })
	sdk.Credentials = credentialsOf{common, secrets}
}

// identity returns a hash of everything that determines the credentials.
func (cfg Config) identity(sdk aws.Config) string {
	decides := []any{cfg.Profile, cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken, cfg.RoleARN, cfg.ExternalID, cmp.Or(sdk.Region, cfg.Region), os.Environ()}
	for _, source := range sdk.ConfigSources {
		switch source.(type) {
		case config.EnvConfig, config.SharedConfig: // the content of the profile
			decides = append(decides, source)
		}
	}
	text, err := json.Marshal(decides)
	if err != nil {
		panic(err) // texts, numbers and times can be encoded
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// source returns the credentials of sdk, or those of RoleARN, which it assumes with them.
func (cfg Config) source(sdk aws.Config) aws.CredentialsProvider {
	if cfg.RoleARN == "" {
		return sdk.Credentials
	}
	known := new(scrub.Secrets)
	sdk.Credentials = credentialsOf{sdk.Credentials, known}
	client := sts.NewFromConfig(sdk, func(o *sts.Options) {
		o.Region = cmp.Or(o.Region, cfg.Region, fallbackRegion)
	})
	role := stscreds.NewAssumeRoleProvider(client, cfg.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "ltxstore"
		if cfg.ExternalID != "" {
			o.ExternalID = &cfg.ExternalID
		}
	})
	return scrubbed{aws.NewCredentialsCache(role, refreshEarly), known}
}

func refreshEarly(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = fetchEarly }

// scrubbed redacts secrets in errors that only the client that made the credentials knows.
type scrubbed struct {
	aws.CredentialsProvider
	secrets *scrub.Secrets
}

// Retrieve implements aws.CredentialsProvider.
func (s scrubbed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := s.CredentialsProvider.Retrieve(ctx)
	return found, s.secrets.Error(err)
}

// credentialsOf provides credentials. It records their secrets, which must not be
// logged. Its errors are distinct from those of S3: a 404 of the machine's metadata
// service, because there is no role, does not mean that a file is missing.
type credentialsOf struct {
	aws.CredentialsProvider
	secrets *scrub.Secrets
}

// Retrieve implements aws.CredentialsProvider.
func (c credentialsOf) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return found, &credentialsError{err}
	}
	c.secrets.AddToken(found.SecretAccessKey)
	c.secrets.AddToken(found.SessionToken)
	return found, nil
}

// credentialsError is the error of a request without credentials.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string {
	if e.none() {
		return "no credentials found: want AccessKeyID and SecretAccessKey (settings access-key-id and secret-access-key), " +
			"the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a Profile (setting profile, AWS_PROFILE); " +
			"the machine has no role either: " + cause(e.err)
	}
	return "credentials cannot be found: " + e.err.Error()
}

func (e *credentialsError) Unwrap() error { return e.err }

// isOfCredentials reports whether an error is about credentials, and not from S3.
func isOfCredentials(err error) bool {
	var missing *credentialsError
	return errors.As(err, &missing)
}

// none reports whether no credentials were found anywhere. The SDK asks the machine
// last, and its error is only about that.
func (e *credentialsError) none() bool {
	return strings.Contains(e.err.Error(), "no EC2 IMDS role found")
}

// cause returns the last part of an error's message.
func cause(err error) string {
	text := err.Error()
	return text[strings.LastIndex(text, ", ")+1+len(" "):]
}

func (e *credentialsError) kind() error {
	switch kind := kindOfCode(codeOf(e.err)); {
	case errors.Is(e.err, context.Canceled), errors.Is(e.err, context.DeadlineExceeded) && !isTransport(e.err):
		return nil
	case kind != nil:
		return kind
	case backend.IsRetryableStatus(statusOf(e.err)):
		return ltxstore.ErrUnavailable
	case statusOf(e.err) == 0 && !e.none() && isTransport(e.err):
		return ltxstore.ErrUnavailable
	}
	return fs.ErrPermission
}
