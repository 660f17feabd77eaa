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

// validate returns an error of kind fs.ErrInvalid that names the first invalid
// field. It reads no file and sends nothing.
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
		return nil, invalid(field, endpoint, "want no path, or "+apiPath+": the library sends uploads to the root of the host")
	}
	return u, nil
}

// validateClient returns an error for a field that has no effect on an existing
// Client.
func (cfg Config) validateClient() error {
	if cfg.Client == nil {
		return nil
	}
	if reflect.ValueOf(*cfg.Client).IsZero() {
		return invalid("Client", "a zero storage.Client", "want a client made by storage.NewClient")
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
			return invalid(own.field, own.value, "want it empty with a Client, which has its own")
		}
	}
	return nil
}

func (cfg Config) validateObject() error {
	customer := len(cfg.SSECustomerKey) > 0 || cfg.SSECustomerKeyFile != ""
	switch {
	case cfg.Anonymous && (cfg.CredentialsFile != "" || len(cfg.CredentialsJSON) > 0):
		return invalid("Anonymous", true, "want false with CredentialsFile or CredentialsJSON")
	case cfg.Transfer.PartSize%chunkUnit != 0:
		return invalid("Transfer.PartSize", cfg.Transfer.PartSize, "want 0 (default), or a multiple of 256 KiB up to 1 GiB, in bytes")
	case cfg.KMSKeyName != "" && customer:
		return invalid("KMSKeyName", cfg.KMSKeyName, "want only one of KMSKeyName and SSECustomerKey")
	}
	return transport.CheckCustomerKey(typeName, "SSECustomerKey", cfg.SSECustomerKey, cfg.SSECustomerKeyFile, cfg.Endpoint)
}
