package s3

import (
	"crypto/md5"
	"encoding"
	"encoding/base64"
	"errors"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func init() { ltxstore.Register("s3", driver{table()}) }

// driver opens s3:// URLs and replicas of type s3.
type driver struct{ settings.Table[Config] }

// Open implements ltxstore.Driver.
func (d driver) Open(src ltxstore.Source) (ltxstore.ReplicaClient, bool, error) {
	return settings.Open(d.Table, settings.Source(src), func(cfg *Config) error {
		if err := cfg.fromEnvironment(src.Getenv); err != nil {
			return err
		}
		return cfg.validate()
	},
		func(cfg Config) ltxstore.ReplicaClient { return NewReplicaClient(cfg) })
}

type row = settings.Row[Config]

// table is every setting, with the names that Litestream has for it, if any.
func table() settings.Table[Config] {
	var rows []row
	for _, group := range [][]row{placeRows(), credentialRows(), connectionRows(), transferRows(), encryptionRows(), integrityRows()} {
		rows = append(rows, group...)
	}
	return settings.Table[Config]{
		Rows:  rows,
		Place: placeOf,
		Exclude: [][2]string{
			{"content-md5", "require-content-md5"},
			{"content-md5", "put-object-content-md5"},
			{"sse-customer-key", "sse-customer-key-path"},
		},
		CodeOnly: []string{"RoundTripper", "Logger"},
	}
}

func placeRows() []row {
	return []row{
		{Name: "bucket", Default: "required", Help: "The bucket's name, or the ARN of an access point.",
			To: settings.Text(func(c *Config) *string { return &c.Bucket })},
		{Name: "path", Default: "the bucket's root", Help: "The replica's path in the bucket.",
			To: settings.Text(func(c *Config) *string { return &c.Path })},
		{Name: settings.LayoutName, Default: "`default`", Help: "How files are named. `auto` looks at what the replica holds.",
			To: settings.Layout(func(c *Config) encoding.TextUnmarshaler { return &c.Layout })},
		{Name: "region", Default: "found out", Help: "The bucket's region.",
			To: settings.Text(func(c *Config) *string { return &c.Region })},
		{Name: "endpoint", Default: "AWS", Help: "The URL of an S3-compatible service. Without a scheme it is `https`, but `http` for `localhost`, `.local` and private addresses.",
			To: settings.Func("URL", func(c *Config) any { return &c.Endpoint }, func(c *Config, text string) error {
				c.Endpoint = withScheme(text)
				return nil
			})},
		{Name: "force-path-style", Aliases: []string{"path-style"}, Default: "the provider's", Help: "Whether the bucket goes into the path instead of the host's name.",
			To: settings.OptionalBool(func(c *Config) **bool { return &c.PathStyle })},
		{Name: "dual-stack", Default: "false", Help: "Use AWS's endpoints that have IPv6 too.",
			To: settings.Bool(func(c *Config) *bool { return &c.DualStack })},
		{Name: "fips", Default: "false", Help: "Use AWS's FIPS endpoints.",
			To: settings.Bool(func(c *Config) *bool { return &c.FIPS })},
	}
}

func credentialRows() []row {
	return []row{
		{Name: "access-key-id", Default: "the environment's, or the SDK's chain", Help: "The ID of static credentials. The URL's user.",
			To: settings.Text(func(c *Config) *string { return &c.AccessKeyID })},
		{Name: "secret-access-key", Secret: true, Default: "as above", Help: "The secret that goes with it. The URL's password.",
			To: settings.Text(func(c *Config) *string { return &c.SecretAccessKey })},
		{Name: "session-token", Secret: true, Default: "none", Help: "The token that goes with both, if they are temporary.",
			To: settings.Text(func(c *Config) *string { return &c.SessionToken })},
		{Name: "profile", Default: "`AWS_PROFILE`", Help: "A profile of the shared configuration files.",
			To: settings.Text(func(c *Config) *string { return &c.Profile })},
		{Name: "role-arn", Default: "none", Help: "A role to assume.",
			To: settings.Text(func(c *Config) *string { return &c.RoleARN })},
		{Name: "external-id", Default: "none", Help: "The external ID that the role wants.",
			To: settings.Text(func(c *Config) *string { return &c.ExternalID })},
	}
}

func connectionRows() []row {
	return []row{
		{Name: "skip-verify", Default: "false", Help: "Accept any TLS certificate: for tests.",
			To: settings.Bool(func(c *Config) *bool { return &c.InsecureSkipVerify })},
		{Name: "ca-bundle", Default: "`AWS_CA_BUNDLE`", Help: "A file of PEM certificates that are trusted instead of the system's.",
			To: settings.Text(func(c *Config) *string { return &c.CABundle })},
		{Name: "max-conns", Default: "no bound", Help: "Connections to the service at once.",
			To: settings.Int(func(c *Config) *int { return &c.MaxConns })},
		{Name: "max-idle-conns", Default: "what the concurrencies can use", Help: "Connections that are kept for the next request.",
			To: settings.Int(func(c *Config) *int { return &c.MaxIdleConns })},
		{Name: "idle-conn-timeout", Default: "90s", Help: "For how long they are kept.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.IdleConnTimeout })},
		{Name: "idle-timeout", Default: "1m", Help: "How long a transfer may make no progress.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.IdleTimeout })},
		{Name: "response-timeout", Default: "1m", Help: "How long a request may wait for the beginning of its answer.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.ResponseTimeout })},
		{Name: "retry-max-attempts", Default: "10", Help: "How often a request is tried in all.",
			To: settings.Int(func(c *Config) *int { return &c.Retry.MaxAttempts })},
		{Name: "retry-base-delay", Default: "100ms", Help: "The bound of the first wait; each further one is twice the one before.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.Retry.BaseDelay })},
		{Name: "retry-max-delay", Default: "20s", Help: "The bound of every wait.",
			To: settings.Duration(func(c *Config) *time.Duration { return &c.Retry.MaxDelay })},
	}
}

func transferRows() []row {
	return []row{
		{Name: "part-size", Default: "5MiB", Help: "Bytes of a part of a multipart upload, 5 MiB to 5 GiB.",
			To: settings.Size(func(c *Config) *int64 { return &c.PartSize })},
		{Name: "upload-threshold", Default: "`part-size`", Help: "Bytes up to which a body goes in one request.",
			To: settings.Size(func(c *Config) *int64 { return &c.UploadThreshold })},
		{Name: "concurrency", Default: "5, or what the provider bears", Help: "Parts under way at once.",
			To: settings.Int(func(c *Config) *int { return &c.Concurrency })},
		{Name: "metadata-concurrency", Default: "64", Help: "Timestamps asked for at once in a listing.",
			To: settings.Int(func(c *Config) *int { return &c.MetadataConcurrency })},
		{Name: "read-concurrency", Default: "1", Help: "Ranges of a large file read at once.",
			To: settings.Int(func(c *Config) *int { return &c.ReadConcurrency })},
		{Name: "delete-concurrency", Default: "4", Help: "Deletions under way at once.",
			To: settings.Int(func(c *Config) *int { return &c.DeleteConcurrency })},
		{Name: "storage-class", Default: "the bucket's", Help: "The storage class of new objects.",
			To: settings.Text(func(c *Config) *string { return &c.StorageClass })},
		{Name: "tags", Default: "none", Help: "A tag of new objects.",
			To: settings.Pairs(func(c *Config) *map[string]string { return &c.Tags })},
		{Name: "write-once", Default: "false", Help: "Refuse to replace a file by other content.",
			To: settings.Bool(func(c *Config) *bool { return &c.WriteOnce })},
	}
}

func encryptionRows() []row {
	return []row{
		{Name: "sse", Default: "the bucket's", Help: "Encryption by the service: `AES256` or `aws:kms`.",
			To: settings.Text(func(c *Config) *string { return &c.SSE })},
		{Name: "sse-kms-key-id", Default: "the bucket's", Help: "The key for `aws:kms`, which it implies.",
			To: settings.Text(func(c *Config) *string { return &c.KMSKeyID })},
		{Name: "sse-kms-context", Default: "none", Help: "A pair of the encryption context for `aws:kms`.",
			To: settings.Pairs(func(c *Config) *map[string]string { return &c.KMSContext })},
		{Name: "sse-customer-key", Secret: true, Default: "none", Help: "A key of 32 bytes for SSE-C, in base64.",
			To: settings.Base64(func(c *Config) *[]byte { return &c.SSECustomerKey })},
		{Name: "sse-customer-key-path", Default: "none", Help: "A file that holds the key, raw or in base64.",
			To: settings.Text(func(c *Config) *string { return &c.SSECustomerKeyFile })},
		{Name: "sse-customer-algorithm", Default: "AES256", Help: "Only AES256 exists: any other is refused.",
			To: settings.Func("text", nil, func(_ *Config, text string) error {
				if text != sseS3 {
					return errors.New("want AES256")
				}
				return nil
			})},
		{Name: "sse-customer-key-md5", Aliases: []string{"sseCustomerKeyMD5"}, Secret: true, Default: "computed", Help: "The MD5 of `sse-customer-key` in base64: another is refused.",
			To: settings.Func("base64", nil, func(c *Config, text string) error {
				sum := md5.Sum(c.SSECustomerKey)
				if len(c.SSECustomerKey) == 0 || text != base64.StdEncoding.EncodeToString(sum[:]) {
					return errors.New("want the MD5 of sse-customer-key, in base64, beside it")
				}
				return nil
			})},
	}
}

func integrityRows() []row {
	return []row{
		{Name: "checksum-algorithm", Default: "`crc32` on AWS, else what the provider takes", Help: "By what the service verifies: `crc32`, `crc32c`, `crc64nvme`, `sha256` or `none`.",
			To: settings.Text(func(c *Config) *string { return &c.ChecksumAlgorithm })},
		{Name: "sign-payload", Default: "true", Help: "Put the SHA-256 of bodies into the signature.",
			To: settings.Func("true or false", func(c *Config) any { return &c.UnsignedPayload }, func(c *Config, text string) error {
				signed, err := settings.ParseBool(text)
				c.UnsignedPayload = !signed
				return err
			})},
		{Name: "sign-accept-encoding", Default: "true", Help: "Only `true`: where the header is altered on its way, as by Google, it is left out of the signature by itself.",
			To: settings.Func("true or false", nil, func(_ *Config, text string) error {
				if signed, err := settings.ParseBool(text); err != nil || !signed {
					return errors.New("want true: whether the header is signed goes by the provider")
				}
				return nil
			})},
		{Name: "content-md5", Default: "the provider's", Help: "Send Content-MD5 `never`, or `always`: with every body too.",
			To: settings.Text(func(c *Config) *MD5Mode { return &c.ContentMD5 })},
		{Name: "require-content-md5", Aliases: []string{"requireContentMD5"}, Default: "the provider's", Help: "`false` is `content-md5: never`.",
			To: settings.Func("true or false", nil, func(c *Config, text string) error {
				required, err := settings.ParseBool(text)
				if err == nil && !required {
					c.ContentMD5 = MD5Never
				}
				return err
			})},
		{Name: "put-object-content-md5", Aliases: []string{"putObjectContentMD5"}, Default: "false", Help: "`true` is `content-md5: always`.",
			To: settings.Func("true or false", nil, func(c *Config, text string) error {
				always, err := settings.ParseBool(text)
				switch {
				case err == nil && always && c.ContentMD5 == MD5Never:
					return errors.New("want false beside require-content-md5 false")
				case err == nil && always:
					c.ContentMD5 = MD5Always
				}
				return err
			})},
	}
}
