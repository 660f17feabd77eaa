package gcs

import (
	"net/url"
	"reflect"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It looks at no file and sends nothing.
func (cfg Config) validate() error {
	for _, check := range []func() error{
		func() error { return settings.Validate(typeName, cfg) },
		cfg.validatePlace, cfg.validateClient, cfg.validateObject,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (cfg Config) validatePlace() error {
	if cfg.Bucket == "" {
		return invalid("Bucket", cfg.Bucket, "want the bucket's name")
	}
	_, err := parseEndpoint("Endpoint", cfg.Endpoint)
	return err
}

// parseEndpoint returns nil for the empty endpoint.
func parseEndpoint(field, endpoint string) (*url.URL, error) {
	u, err := transport.Endpoint(typeName, field, endpoint)
	if u == nil {
		return nil, err
	}
	if path := strings.Trim(u.Path, "/"); path != "" && path != strings.Trim(apiPath, "/") {
		return nil, invalid(field, endpoint, "want no path, or "+apiPath+": the library sends uploads to the host's root")
	}
	return u, nil
}

// validateClient refuses what a client that is there already cannot be told.
func (cfg Config) validateClient() error {
	if cfg.Client == nil {
		return nil
	}
	if reflect.ValueOf(*cfg.Client).IsZero() {
		return invalid("Client", "a zero storage.Client", "want one that storage.NewClient has made")
	}
	for _, own := range []struct {
		field string
		isSet bool
		value any
	}{
		{"Endpoint", cfg.Endpoint != "", cfg.Endpoint},
		{"CredentialsFile", cfg.CredentialsFile != "", cfg.CredentialsFile},
		{"CredentialsJSON", len(cfg.CredentialsJSON) > 0, scrub.Secret(1)},
		{"Anonymous", cfg.Anonymous, cfg.Anonymous},
		{"HTTP.RoundTripper", cfg.HTTP.RoundTripper != nil, "a RoundTripper"},
		{"HTTP.CABundle", cfg.HTTP.CABundle != "", cfg.HTTP.CABundle},
		{"HTTP.InsecureSkipVerify", cfg.HTTP.InsecureSkipVerify, cfg.HTTP.InsecureSkipVerify},
		{"HTTP.MaxConns", cfg.HTTP.MaxConns != 0, cfg.HTTP.MaxConns},
		{"HTTP.MaxIdleConns", cfg.HTTP.MaxIdleConns != 0, cfg.HTTP.MaxIdleConns},
	} {
		if own.isSet {
			return invalid(own.field, own.value, "want it empty beside a Client, which has its own")
		}
	}
	return nil
}

func (cfg Config) validateObject() error {
	customer := len(cfg.SSECustomerKey) > 0 || cfg.SSECustomerKeyFile != ""
	switch {
	case cfg.Anonymous && (cfg.CredentialsFile != "" || len(cfg.CredentialsJSON) > 0):
		return invalid("Anonymous", true, "want false beside CredentialsFile and CredentialsJSON")
	case cfg.Transfer.PartSize%chunkUnit != 0:
		return invalid("Transfer.PartSize", cfg.Transfer.PartSize, "want 0 (default), or a multiple of 256 KiB up to 1 GiB, in bytes")
	case cfg.KMSKeyName != "" && customer:
		return invalid("KMSKeyName", cfg.KMSKeyName, "want one encryption: KMSKeyName or SSECustomerKey")
	}
	return transport.CheckCustomerKey(typeName, "SSECustomerKey", cfg.SSECustomerKey, cfg.SSECustomerKeyFile, cfg.Endpoint)
}
