package s3

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const (
	minPartSize = 5 << 20 // of every part but the last: Amazon S3 User Guide, "Multipart upload limits"
	maxUpload   = 5 << 30 // and of a PutObject

	maxTags, maxTagKey, maxTagValue = 10, 128, 256 // "Categorizing your storage using tags"
)

// isAWSRegion looks at the shape of a name, such as us-gov-west-1. A list would
// refuse the region that opens next year.
func isAWSRegion(name string) bool {
	return regexp.MustCompile(`^[a-z]{2,5}(-[a-z]{2,5})?-[a-z]+-[0-9]{1,2}$`).MatchString(name)
}

// isRegion is isAWSRegion for services that name their regions as they like.
func isRegion(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`).MatchString(name)
}

func isStorageClass(name string) bool {
	return regexp.MustCompile(`^[A-Z0-9_]{1,64}$`).MatchString(name)
}

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It looks at no file and sends nothing.
func (cfg Config) validate() error {
	for _, check := range []func() error{
		cfg.validatePlace, cfg.validateEndpoint, cfg.validateRegion, cfg.validateCredentials, cfg.validateTransport,
		cfg.validateSizes, cfg.validateEncryption, cfg.validateObject, cfg.validateIntegrity,
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
			return invalid("PathStyle", true, "want false: an access point has a host's name of its own")
		}
	case strings.Contains(bucket, "/"):
		return invalid("Bucket", bucket, "want a name without a slash; what follows it belongs into Path")
	case !utf8.ValidString(bucket), strings.ContainsFunc(bucket, notInBucket), len(bucket) > 255, bucket == ".", bucket == "..":
		return invalid("Bucket", bucket, "want letters, digits, dots, hyphens and underscores, at most 255")
	}
	if _, err := backend.CleanPath(cfg.Path); err != nil {
		return refuse("Path", err)
	}
	if _, err := cfg.Layout.MarshalText(); err != nil {
		return refuse("Layout", err)
	}
	return nil
}

func notInBucket(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune(".-_:", r) // Ceph has tenant:bucket
}

// refuse is invalid for what another package has found.
func refuse(field string, err error) error {
	return backend.Refused(typeName, "init", field, err)
}

func (cfg Config) validateEndpoint() error {
	if _, err := parseEndpoint("Endpoint", cfg.Endpoint); err != nil {
		return err
	}
	if cfg.Endpoint != "" {
		switch {
		case cfg.DualStack:
			return invalid("DualStack", true, "want false beside an Endpoint: it chooses one of AWS's")
		case cfg.FIPS:
			return invalid("FIPS", true, "want false beside an Endpoint: it chooses one of AWS's")
		}
	}
	return nil
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
	return u, nil
}

func (cfg Config) validateRegion() error {
	if cfg.Region != "" && !isRegion(cfg.Region) {
		return invalid("Region", cfg.Region, `want a region's name such as "us-east-1"`)
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
	case hasSpace(cfg.AccessKeyID):
		return invalid("AccessKeyID", cfg.AccessKeyID, "want no white space in it")
	case hasSpace(cfg.SecretAccessKey):
		return invalid("SecretAccessKey", scrub.Secret(1), "want no white space in it")
	case hasSpace(cfg.SessionToken):
		return invalid("SessionToken", scrub.Secret(1), "want no white space in it")
	case strings.TrimSpace(cfg.Profile) != cfg.Profile:
		return invalid("Profile", cfg.Profile, "want no white space around it")
	case cfg.RoleARN == "" && cfg.ExternalID != "":
		return invalid("ExternalID", cfg.ExternalID, "want it beside a RoleARN only")
	case cfg.RoleARN == "":
		return nil
	}
	role, err := arn.Parse(cfg.RoleARN)
	if err != nil || role.Service != "iam" || !strings.HasPrefix(role.Resource, "role/") {
		return invalid("RoleARN", cfg.RoleARN, "want a role, arn:aws:iam::ACCOUNT:role/NAME")
	}
	return nil
}

func hasSpace(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
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
		value int
	}{{"MaxConns", cfg.MaxConns}, {"MaxIdleConns", cfg.MaxIdleConns}} {
		if f.value < 0 {
			return invalid(f.name, f.value, "want 0 (default) or more")
		}
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

// minPart is minPartSize, but for a server that was told to take less.
func (cfg Config) minPart() int64 { return cmp.Or(cfg.leastPart, minPartSize) }

func (cfg Config) validateSizes() error {
	if cfg.PartSize != 0 && (cfg.PartSize < cfg.minPart() || cfg.PartSize > maxUpload) {
		return invalid("PartSize", cfg.PartSize, "want 0 (default), or 5 MiB to 5 GiB in bytes")
	}
	least := max(cfg.PartSize, cfg.minPart())
	if cfg.UploadThreshold != 0 && (cfg.UploadThreshold < least || cfg.UploadThreshold > maxUpload) {
		return invalid("UploadThreshold", cfg.UploadThreshold, "want 0 (default), or PartSize to 5 GiB in bytes")
	}
	for _, f := range []struct {
		name  string
		value int
	}{
		{"Concurrency", cfg.Concurrency}, {"MetadataConcurrency", cfg.MetadataConcurrency},
		{"ReadConcurrency", cfg.ReadConcurrency}, {"DeleteConcurrency", cfg.DeleteConcurrency},
	} {
		if f.value < 0 {
			return invalid(f.name, f.value, "want 0 (default) or more")
		}
	}
	return nil
}

func (cfg Config) validateObject() error {
	if cfg.StorageClass != "" && !isStorageClass(cfg.StorageClass) {
		return invalid("StorageClass", cfg.StorageClass, `want a class such as "STANDARD_IA"`)
	}
	if len(cfg.Tags) > maxTags {
		return invalid("Tags", len(cfg.Tags), "want at most 10 of them")
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

func (cfg Config) validateIntegrity() error {
	switch cfg.ContentMD5 {
	case MD5Auto, MD5Never, MD5Always:
	default:
		return invalid("ContentMD5", string(cfg.ContentMD5), `want "", "never" or "always"`)
	}
	switch cfg.ChecksumAlgorithm {
	case "", "crc32", "crc32c", "crc64nvme", "sha256", checksumNone:
	default:
		return invalid("ChecksumAlgorithm", cfg.ChecksumAlgorithm, `want "crc32", "crc32c", "crc64nvme", "sha256", "none", or "" for the default`)
	}
	return nil
}
