package oss

import (
	"fmt"
	"log/slog"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config says where a replica is and how it is written. Bucket is required; the
// zero value of every other field is its default. Init refuses a bad field
// before any request, with its name, its value and what would be right.
//
// Credentials are AccessKeyID with SecretAccessKey, or Credentials. Without any,
// those of the environment are used.
//
// Printing a Config shows no secret, with any verb, as text, in JSON and in a
// log. fmt calls no method of an unexported field, though: a struct that has a
// Config in one, and is printed, needs a Format method of its own.
type Config struct {
	// Bucket is the bucket's name. It is not created.
	Bucket string `ltx:"bucket" match:"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$" want:"a bucket's name: 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends" default:"required" help:"The bucket's name."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout names the files below Path. Litestream's own oss replicas have
	// ltxstore.LayoutLitestreamS3.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// Region is the bucket's region, without "oss-" before it. Empty is
	// cn-hangzhou, as for Litestream.
	Region string `ltx:"region" match:"^[a-z0-9-]+$" want:"a region's name, such as \"cn-hangzhou\"" default:"'cn-hangzhou'" help:"The bucket's region."`

	// Endpoint is the URL of the region's service: https://host or http://host.
	// The bucket goes before the host, but for an address, after which it goes.
	// Empty is https://oss-REGION.aliyuncs.com.
	Endpoint string `ltx:"endpoint" default:"the region's public one" help:"The URL of the region's service."`

	// AccessKeyID and SecretAccessKey are an access key. Empty are
	// OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET. SecurityToken belongs to a
	// temporary one; empty is OSS_SESSION_TOKEN.
	AccessKeyID     string `ltx:"access-key-id" default:"'OSS_ACCESS_KEY_ID'" help:"The access key's ID."`
	SecretAccessKey string `ltx:"secret-access-key,secret" default:"'OSS_ACCESS_KEY_SECRET'" help:"The access key's secret." json:"-"`
	SecurityToken   string `ltx:"security-token,secret" default:"'OSS_SESSION_TOKEN'" help:"The token of a temporary access key." json:"-"`

	// Credentials provides access keys, such as those of a RAM role.
	Credentials credentials.CredentialsProvider `ltx:"-" json:"-"`

	// HTTP says how the service is reached.
	HTTP transport.Options `ltx:""`

	// Transfer says how much is sent, read and asked for at once. PartSize is
	// 100 KiB to 5 GiB, UploadThreshold at most 5 GiB; the service takes 10,000
	// parts. PageSize is at most 1000.
	Transfer object.Options `ltx:"" part-size:",min=100KiB,max=5GiB" upload-threshold:",max=5GiB" page-size:",max=1000"`

	// StorageClass of new objects: Standard or IA. Empty is the bucket's. An object
	// of an archive class cannot be read, so these are refused.
	StorageClass string `ltx:"storage-class,oneof=Standard|IA" default:"the bucket's" help:"The storage class of new objects: 'Standard' or 'IA'."`

	// SSE is the encryption of new objects by the service: AES256 or KMS, the
	// latter with the key KMSKeyID or the account's. Empty is the bucket's.
	SSE      string `ltx:"sse,oneof=AES256|KMS" default:"the bucket's" help:"The encryption of new objects: 'AES256' or 'KMS'."`
	KMSKeyID string `ltx:"sse-kms-key-id" default:"the account's" help:"The key of the encryption 'KMS'."`

	// WriteOnce refuses to write a file that exists with other content (W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// Retry is how failed requests are repeated.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger gets the log. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-" json:"-"`
}

// withDefaults returns cfg with defaults in place of zero values.
func (cfg Config) withDefaults() Config {
	cfg.Transfer = cfg.Transfer.WithDefaults(object.Options{PageSize: 1000})
	cfg.HTTP = cfg.HTTP.WithDefaults(cfg.Transfer.Requests())
	cfg.Retry = cfg.Retry.WithDefaults()
	return cfg
}

// String returns the configuration without its secrets.
func (cfg Config) String() string { return settings.Text("oss.Config", cfg) }

// Format is String for every verb: %d would show the fields as they are.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText is String: so is what JSON says of a Config.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }

// LogValue keeps secrets out of a log that is handed a Config.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(cfg.String()) }
