package s3

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

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
