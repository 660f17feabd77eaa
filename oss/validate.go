package oss

import (
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It reads no file and sends no request.
func (cfg Config) validate() error {
	if err := settings.Validate(typeName, cfg); err != nil {
		return err
	}
	if _, err := transport.Endpoint(typeName, "Endpoint", cfg.Endpoint); err != nil {
		return err
	}
	switch {
	case cfg.Bucket == "":
		return invalid("Bucket", cfg.Bucket, "want the bucket's name")
	case (cfg.AccessKeyID == "") != (cfg.SecretAccessKey == ""):
		return invalid("AccessKeyID", cfg.AccessKeyID, "want it and SecretAccessKey, or neither")
	case cfg.SecurityToken != "" && cfg.AccessKeyID == "":
		return invalid("SecurityToken", "[redacted]", "want the AccessKeyID and SecretAccessKey that it belongs to")
	case cfg.Credentials != nil && cfg.AccessKeyID != "":
		return invalid("Credentials", "credentials", "want them, or AccessKeyID and SecretAccessKey, not both")
	case cfg.KMSKeyID != "" && cfg.SSE != "KMS":
		return invalid("KMSKeyID", cfg.KMSKeyID, `want it only with SSE "KMS"`)
	}
	return nil
}
