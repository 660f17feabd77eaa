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

// Config is the configuration of a ReplicaClient. Bucket is required; the zero value of
// every other field means its default. If a field is invalid, Init fails before it
// sends a request, with an error that contains the field's name and value and what is
// expected.
//
// Set either AccessKeyID and SecretAccessKey, or Credentials. If none is set, the
// credentials of the environment are used.
//
// Printing, logging or encoding a Config does not show its secrets. But package fmt
// does not call the methods of unexported fields: a struct with a Config in such a
// field needs a Format method of its own.
type Config struct {
	// Bucket is the bucket's name. It is not created.
	Bucket string `ltx:"bucket" match:"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$" want:"a bucket's name: 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends" default:"required" help:"The bucket's name."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty means the bucket's root.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout is how the files below Path are named. Litestream's oss replicas use
	// ltxstore.LayoutLitestreamS3.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	// Region is the bucket's region, with or without the prefix "oss-". Empty means
	// cn-hangzhou, as in Litestream.
	Region string `ltx:"region" match:"^[a-z0-9-]+$" want:"a region's name, such as \"cn-hangzhou\"" default:"'cn-hangzhou'" help:"The bucket's region."`

	// Endpoint is the URL of the region's service: https://host or http://host.
	// The bucket's name is added to the host as a subdomain or, if the host is an IP
	// address, to the path. Empty means https://oss-REGION.aliyuncs.com.
	Endpoint string `ltx:"endpoint" default:"the region's public one" help:"The URL of the region's service."`

	// AccessKeyID and SecretAccessKey are an access key; a temporary one also has a
	// SecurityToken. If they are empty, they are read from the environment variables
	// OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and OSS_SESSION_TOKEN.
	AccessKeyID     string `ltx:"access-key-id" default:"'OSS_ACCESS_KEY_ID'" help:"The access key's ID."`
	SecretAccessKey string `ltx:"secret-access-key,secret" default:"'OSS_ACCESS_KEY_SECRET'" help:"The access key's secret." json:"-"`
	SecurityToken   string `ltx:"security-token,secret" default:"'OSS_SESSION_TOKEN'" help:"The token of a temporary access key." json:"-"`

	// Credentials provides access keys, such as those of a RAM role.
	Credentials credentials.CredentialsProvider `ltx:"-" json:"-"`

	// HTTP configures the connections to the service.
	HTTP transport.Options `ltx:""`

	// Transfer configures the sizes and the concurrency of transfers. PartSize is from
	// 100 KiB to 5 GiB, UploadThreshold at most 5 GiB, and PageSize at most 1000.
	// An upload has at most 10,000 parts.
	Transfer object.Options `ltx:"" part-size:",min=100KiB,max=5GiB" upload-threshold:",max=5GiB" page-size:",max=1000"`

	// StorageClass is the storage class of new objects: Standard or IA. Empty means the
	// bucket's. Archive classes are rejected, because their objects cannot be read.
	StorageClass string `ltx:"storage-class,oneof=Standard|IA" default:"the bucket's" help:"The storage class of new objects: 'Standard' or 'IA'."`

	// SSE is the server-side encryption of new objects: AES256 or KMS. KMS uses the
	// key KMSKeyID or, if that is empty, the account's. Empty means the bucket's.
	SSE      string `ltx:"sse,oneof=AES256|KMS" default:"the bucket's" help:"The encryption of new objects: 'AES256' or 'KMS'."`
	KMSKeyID string `ltx:"sse-kms-key-id" default:"the account's" help:"The key for the encryption 'KMS'."`

	// WriteOnce refuses to replace a file with different content (clause W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// Retry configures how failed requests are retried.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger is the logger. Nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-" json:"-"`
}

// withDefaults returns cfg with defaults in place of zero values.
func (cfg Config) withDefaults() Config {
	cfg.Transfer = cfg.Transfer.WithDefaults(object.Options{PageSize: maxPageSize})
	cfg.HTTP = cfg.HTTP.WithDefaults(cfg.Transfer.Requests())
	return cfg
}

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its secrets, also for JSON and
// log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }
