package s3

import (
	"cmp"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// isAWSRegion checks the form of a name, such as us-gov-west-1. A list would reject
// new regions.
func isAWSRegion(name string) bool {
	return regexp.MustCompile(`^[a-z]{2,5}(-[a-z]{2,5})?-[a-z]+-[0-9]{1,2}$`).MatchString(name)
}

// isRegion is isAWSRegion for other services, whose regions may have any names.
func isRegion(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`).MatchString(name)
}

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It reads no file and sends no request.
func (cfg Config) validate() error {
	for _, check := range []func() error{
		func() error { return settings.Validate(typeName, cfg) },
		cfg.validatePlace, cfg.validateEndpoint, cfg.validateCredentials,
		cfg.validateSizes, cfg.validateEncryption, cfg.validateTags,
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
		return invalid("Bucket", bucket, "want the bucket's name, or the ARN of an access point")
	case strings.HasPrefix(bucket, "arn:"):
		parsed, err := arn.Parse(bucket)
		if err != nil || !strings.HasPrefix(parsed.Service, "s3") || !strings.Contains(parsed.Resource, "accesspoint") {
			return invalid("Bucket", bucket, "want the ARN of an access point, arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME")
		}
		if cfg.PathStyle != nil && *cfg.PathStyle {
			return invalid("PathStyle", *cfg.PathStyle, "want false: an access point has its own host name")
		}
	case strings.Contains(bucket, "/"):
		return invalid("Bucket", bucket, "want a name without a slash; put the rest into Path")
	case !utf8.ValidString(bucket), strings.ContainsFunc(bucket, notInBucket), len(bucket) > 255, bucket == ".", bucket == "..":
		return invalid("Bucket", bucket, "want letters, digits, dots, hyphens and underscores, at most 255")
	}
	return nil
}

func notInBucket(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune(".-_:", r) // tenant:bucket in Ceph
}

func (cfg Config) validateEndpoint() error {
	if _, err := transport.Endpoint(typeName, "Endpoint", cfg.Endpoint); err != nil {
		return err
	}
	if cfg.Endpoint != "" {
		switch {
		case cfg.DualStack:
			return invalid("DualStack", cfg.DualStack, "want false with an Endpoint: it selects one of AWS's")
		case cfg.FIPS:
			return invalid("FIPS", cfg.FIPS, "want false with an Endpoint: it selects one of AWS's")
		}
	}
	return nil
}

func (cfg Config) validateCredentials() error {
	switch {
	case cfg.AccessKeyID != "" && cfg.SecretAccessKey == "":
		return invalid("SecretAccessKey", scrub.Secret(0), "want the secret that goes with AccessKeyID")
	case cfg.SecretAccessKey != "" && cfg.AccessKeyID == "":
		return invalid("AccessKeyID", cfg.AccessKeyID, "want the ID that goes with SecretAccessKey")
	case cfg.SessionToken != "" && cfg.AccessKeyID == "":
		return invalid("AccessKeyID", cfg.AccessKeyID, "want the ID that goes with SessionToken")
	case cfg.RoleARN == "" && cfg.ExternalID != "":
		return invalid("ExternalID", cfg.ExternalID, "want it only with a RoleARN")
	case cfg.RoleARN == "":
		return nil
	}
	role, err := arn.Parse(cfg.RoleARN)
	if err != nil || role.Service != "iam" || !strings.HasPrefix(role.Resource, "role/") {
		return invalid("RoleARN", cfg.RoleARN, "want a role, arn:aws:iam::ACCOUNT:role/NAME")
	}
	return nil
}

// minPart returns minPartSize, or less for a test server.
func (cfg Config) minPart() int64 { return cmp.Or(cfg.leastPart, minPartSize) }

func (cfg Config) validateSizes() error {
	if cfg.Transfer.PartSize != 0 && cfg.Transfer.PartSize < cfg.minPart() {
		return invalid("Transfer.PartSize", cfg.Transfer.PartSize, "want 0 (default), or 5 MiB to 5 GiB in bytes")
	}
	least := max(cfg.Transfer.PartSize, cfg.minPart())
	if cfg.Transfer.UploadThreshold != 0 && cfg.Transfer.UploadThreshold < least {
		return invalid("Transfer.UploadThreshold", cfg.Transfer.UploadThreshold, "want 0 (default), or Transfer.PartSize to 5 GiB in bytes")
	}
	return nil
}

func (cfg Config) validateTags() error {
	if len(cfg.Tags) > maxTags {
		return invalid("Tags", len(cfg.Tags), "want at most 10")
	}
	for key, value := range cfg.Tags {
		switch {
		case key == "", utf8.RuneCountInString(key) > maxTagKey, strings.HasPrefix(key, "aws:"), !utf8.ValidString(key):
			return invalid("Tags", key, `want keys of 1 to 128 characters that do not begin with "aws:"`)
		case utf8.RuneCountInString(value) > maxTagValue, !utf8.ValidString(value):
			return invalid("Tags["+key+"]", value, "want at most 256 characters")
		}
	}
	return nil
}
