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

// fetchEarly is how long before they expire credentials are fetched again. The SDK
// does so itself five minutes before, for those of a machine or container.
const fetchEarly = time.Minute

// shareCredentials makes sdk use the credentials that all clients with the transport t and an equal
// configuration share: the SDK's cache fetches them once for all, with a context that no
// caller ends, and keeps no error. Keys that do not expire are shared for their memory.
func (cfg Config) shareCredentials(sdk *aws.Config, t http.RoundTripper, secrets *scrub.Secrets) {
	common := transport.Share(t, "credentials "+cfg.identity(*sdk), func() aws.CredentialsProvider { return cfg.source(*sdk) })
	sdk.Credentials = credentialsOf{common, secrets}
}

// identity is a hash of all that decides about the credentials.
func (cfg Config) identity(sdk aws.Config) string {
	decides := []any{cfg.Profile, cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken, cfg.RoleARN, cfg.ExternalID, cmp.Or(sdk.Region, cfg.Region), os.Environ()}
	for _, source := range sdk.ConfigSources {
		switch source.(type) {
		case config.EnvConfig, config.SharedConfig: // the profile, as it was read
			decides = append(decides, source)
		}
	}
	text, err := json.Marshal(decides)
	if err != nil {
		panic(err) // there are only texts, numbers and times
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// source returns the credentials of sdk, or those of RoleARN, which is assumed with them.
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

// scrubbed removes from errors the secrets that only the first of those who share credentials knows.
type scrubbed struct {
	aws.CredentialsProvider
	secrets *scrub.Secrets
}

// Retrieve implements aws.CredentialsProvider.
func (s scrubbed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := s.CredentialsProvider.Retrieve(ctx)
	return found, s.secrets.Error(err)
}

// credentialsOf gives out credentials. It keeps in mind what may not be
// logged, and its errors are told from those of S3: an answer of the machine's
// metadata service that there is no role is none that a file is missing.
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

// credentialsError is that of a request for which there are no credentials.
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

// isOfCredentials reports that an error, and the answer in it, is none of S3's.
func isOfCredentials(err error) bool {
	var missing *credentialsError
	return errors.As(err, &missing)
}

// none reports that there were no credentials in any place. The SDK asks the
// machine last, and says no more than that.
func (e *credentialsError) none() bool {
	return strings.Contains(e.err.Error(), "no EC2 IMDS role found")
}

// cause returns the end of an error's text.
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
