package gcs

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const (
	chunkUnit   = 256 << 10 // "Resumable uploads": every chunk but the last is a multiple
	maxChunk    = 1 << 30
	maxPageSize = 1000 // "Objects: list", maxResults

	customerKeySize = 32 // AES-256
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// refuse is invalid for what another package has found.
func refuse(field string, err error) error {
	return backend.Refused(typeName, "init", field, err)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It looks at no file and sends nothing.
func (cfg Config) validate() error {
	for _, check := range []func() error{
		cfg.validatePlace, cfg.validateCredentials, cfg.validateClient, cfg.validateTransport,
		cfg.validateSizes, cfg.validateCounts, cfg.validateObject,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (cfg Config) validatePlace() error {
	switch bucket := cfg.Bucket; {
	case bucket == "":
		return invalid("Bucket", bucket, "want the bucket's name")
	case strings.Contains(bucket, "/"):
		return invalid("Bucket", bucket, "want a name without a slash; what follows it belongs into Path")
	case !isBucket(bucket):
		return invalid("Bucket", bucket, "want 3 to 222 lower-case letters, digits, dots, hyphens and underscores, with a letter or digit at both ends")
	}
	if _, err := backend.CleanPath(cfg.Path); err != nil {
		return refuse("Path", err)
	}
	if _, err := cfg.Layout.MarshalText(); err != nil {
		return refuse("Layout", err)
	}
	_, err := parseEndpoint("Endpoint", cfg.Endpoint)
	return err
}

// isBucket is the rule of Cloud Storage's "Bucket naming guidelines", but for
// the length of the parts between dots.
func isBucket(name string) bool {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`).MatchString(name)
}

// parseEndpoint returns nil for the empty endpoint. A password in the URL is
// refused and not shown.
func parseEndpoint(field, endpoint string) (*url.URL, error) {
	if endpoint == "" {
		return nil, nil
	}
	u, err := transport.ParseEndpoint(endpoint)
	switch {
	case errors.Is(err, transport.ErrPassword):
		return nil, invalid(field, scrub.Secret(len(endpoint)), err.Error())
	case err != nil:
		return nil, invalid(field, endpoint, err.Error())
	}
	if path := strings.Trim(u.Path, "/"); path != "" && path != strings.Trim(apiPath, "/") {
		return nil, invalid(field, endpoint, "want no path, or "+apiPath+": the library sends uploads to the host's root")
	}
	return u, nil
}

func (cfg Config) validateCredentials() error {
	own := cfg.CredentialsFile != "" || len(cfg.CredentialsJSON) > 0
	switch {
	case cfg.CredentialsFile != "" && len(cfg.CredentialsJSON) > 0:
		return invalid("CredentialsJSON", scrub.Secret(1), "want it, or CredentialsFile, not both")
	case cfg.Anonymous && own:
		return invalid("Anonymous", true, "want false beside CredentialsFile and CredentialsJSON")
	case strings.ContainsFunc(cfg.QuotaProject, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return invalid("QuotaProject", cfg.QuotaProject, "want a project's ID or number")
	}
	return nil
}

// validateClient refuses what a client that is there already cannot be told.
func (cfg Config) validateClient() error {
	if cfg.Client == nil {
		return nil
	}
	const want = "want it empty beside a Client, which has its own"
	switch {
	case cfg.Endpoint != "":
		return invalid("Endpoint", withoutUser(cfg.Endpoint), want)
	case cfg.CredentialsFile != "":
		return invalid("CredentialsFile", cfg.CredentialsFile, want)
	case len(cfg.CredentialsJSON) > 0:
		return invalid("CredentialsJSON", scrub.Secret(1), want)
	case cfg.Anonymous:
		return invalid("Anonymous", true, want)
	case cfg.RoundTripper != nil:
		return invalid("RoundTripper", "a RoundTripper", want)
	case cfg.CABundle != "":
		return invalid("CABundle", cfg.CABundle, want)
	case cfg.InsecureSkipVerify:
		return invalid("InsecureSkipVerify", true, want)
	case cfg.MaxConns != 0:
		return invalid("MaxConns", cfg.MaxConns, want)
	case cfg.MaxIdleConns != 0:
		return invalid("MaxIdleConns", cfg.MaxIdleConns, want)
	}
	return nil
}

func (cfg Config) validateTransport() error {
	switch {
	case cfg.CABundle != "" && cfg.RoundTripper != nil:
		return invalid("CABundle", cfg.CABundle, "want it empty beside a RoundTripper, which has its own certificates")
	case cfg.CABundle != "" && cfg.InsecureSkipVerify:
		return invalid("InsecureSkipVerify", true, "want false beside a CABundle: nothing would be verified by it")
	}
	for _, f := range []struct {
		name  string
		value time.Duration
	}{{"IdleConnTimeout", cfg.IdleConnTimeout}, {"IdleTimeout", cfg.IdleTimeout}, {"ResponseTimeout", cfg.ResponseTimeout}} {
		if f.value < 0 {
			return invalid(f.name, f.value.String(), "want 0 (default) or more")
		}
	}
	if err := cfg.Retry.Validate(); err != nil {
		return backend.Refused(typeName, "init", "", err)
	}
	return nil
}

func (cfg Config) validateSizes() error {
	if cfg.ChunkSize < 0 || cfg.ChunkSize > maxChunk || cfg.ChunkSize%chunkUnit != 0 {
		return invalid("ChunkSize", cfg.ChunkSize, "want 0 (default), or a multiple of 256 KiB up to 1 GiB, in bytes")
	}
	if cfg.UploadThreshold < 0 || cfg.UploadThreshold > maxChunk {
		return invalid("UploadThreshold", cfg.UploadThreshold, "want 0 (default), or at most 1 GiB in bytes")
	}
	if cfg.PageSize < 0 || cfg.PageSize > maxPageSize {
		return invalid("PageSize", cfg.PageSize, "want 0 (default), or 1 to 1000")
	}
	return nil
}

func (cfg Config) validateCounts() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"MetadataConcurrency", cfg.MetadataConcurrency}, {"ReadConcurrency", cfg.ReadConcurrency},
		{"DeleteConcurrency", cfg.DeleteConcurrency}, {"MaxConns", cfg.MaxConns}, {"MaxIdleConns", cfg.MaxIdleConns},
	} {
		if f.value < 0 {
			return invalid(f.name, f.value, "want 0 (default) or more")
		}
	}
	return nil
}

func (cfg Config) validateObject() error {
	customer := len(cfg.SSECustomerKey) > 0 || cfg.SSECustomerKeyFile != ""
	switch {
	case cfg.StorageClass != "" && !regexp.MustCompile(`^[A-Z_]{1,64}$`).MatchString(cfg.StorageClass):
		return invalid("StorageClass", cfg.StorageClass, `want a class such as "NEARLINE"`)
	case cfg.KMSKeyName != "" && customer:
		return invalid("KMSKeyName", cfg.KMSKeyName, "want one encryption: KMSKeyName or SSECustomerKey")
	case cfg.KMSKeyName != "" && !isKMSKey(cfg.KMSKeyName):
		return invalid("KMSKeyName", cfg.KMSKeyName, "want projects/P/locations/L/keyRings/R/cryptoKeys/K")
	case len(cfg.SSECustomerKey) > 0 && cfg.SSECustomerKeyFile != "":
		return invalid("SSECustomerKeyFile", cfg.SSECustomerKeyFile, "want it, or SSECustomerKey, not both")
	case len(cfg.SSECustomerKey) > 0 && len(cfg.SSECustomerKey) != customerKeySize:
		return invalid("SSECustomerKey", scrub.Secret(1), "want 32 bytes")
	case customer && strings.HasPrefix(strings.ToLower(cfg.Endpoint), "http:"):
		return invalid("Endpoint", cfg.Endpoint, "want https: SSECustomerKey would cross the network in the clear")
	}
	return nil
}

func isKMSKey(name string) bool {
	return utf8.ValidString(name) && regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`).MatchString(name)
}
