package oss

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/rangeio"
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

	// InsecureSkipVerify accepts any TLS certificate: for tests.
	InsecureSkipVerify bool `ltx:"skip-verify,not=ca-bundle" default:"false" help:"Accept any TLS certificate: for tests."`

	// CABundle is a file of PEM certificates that are trusted instead of the
	// system's.
	CABundle string `ltx:"ca-bundle" default:"the system's" help:"A file of PEM certificates that are trusted instead of the system's."`

	// RoundTripper, if not nil, sends the requests. The pool and TLS settings
	// here do not apply to it; a CABundle beside it is refused.
	RoundTripper http.RoundTripper `ltx:"-" json:"-"`

	// PartSize is the size in bytes of the first part of a large body, 100 KiB to
	// 5 GiB; 0 means 8 MiB. Parts of a body of unknown size grow, so that 10,000
	// of them hold the largest object.
	PartSize int64 `ltx:"part-size,size,min=100KiB,max=5GiB" default:"8MiB" help:"Bytes of the first part of a large upload; later ones grow."`

	// UploadThreshold is the size in bytes up to which a body goes in one
	// request, at most 5 GiB. 0 means PartSize.
	UploadThreshold int64 `ltx:"upload-threshold,size,max=5GiB" default:"'part-size'" help:"Bytes up to which a body goes in one request."`

	// Concurrency is how many parts of a write are sent, and held in memory, at
	// once. 0 means 3.
	Concurrency int `ltx:"concurrency" default:"3" help:"Parts of a write that are sent, and held in memory, at once."`

	// ReadConcurrency is how many ranges of large files are read at once, and
	// ReadMemory how many bytes of them are in memory at the most: all clients
	// in a process that have the same two values share them. 0 means 16 and
	// 32 MiB; a ReadConcurrency of 1, that each file is read by one request.
	ReadConcurrency int   `ltx:"read-concurrency" default:"16" help:"Ranges of large files read at once, by all replicas that have the same two settings; 1 for none in parallel."`
	ReadMemory      int64 `ltx:"read-memory,size" default:"32MiB" help:"Bytes of these ranges held in memory, by all together."`

	// MetadataConcurrency is how many files' properties or headers are read at
	// once in a listing that does not tell their times. 0 means 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Headers read at once in a listing, where another tool's copy has lost the times."`

	// DeleteConcurrency is how many requests for deletions are under way at
	// once. 0 means 8.
	DeleteConcurrency int `ltx:"delete-concurrency" default:"8" help:"Requests for deletions under way at once."`

	// PageSize is how many files are listed in one request, at most 1000,
	// which 0 means.
	PageSize int `ltx:"page-size,max=1000" default:"1000" help:"Files listed in one request."`

	// MaxConns bounds the connections to the service; 0 means no bound.
	// MaxIdleConns is how many are kept for the next request; 0 means as many
	// as the concurrencies above can use. IdleConnTimeout is for how long; 0
	// means 90 s.
	MaxConns        int           `ltx:"max-conns" default:"no bound" help:"Connections to the service at once."`
	MaxIdleConns    int           `ltx:"max-idle-conns" default:"what the concurrencies can use" help:"Connections that are kept for the next request."`
	IdleConnTimeout time.Duration `ltx:"idle-conn-timeout" default:"90s" help:"For how long they are kept."`

	// IdleTimeout is how long a transfer may make no progress, and
	// ResponseTimeout how long a request may wait for the beginning of its
	// answer. 0 means one minute. There is no limit on a whole transfer.
	IdleTimeout     time.Duration `ltx:"idle-timeout" default:"1m" help:"How long a transfer may make no progress."`
	ResponseTimeout time.Duration `ltx:"response-timeout" default:"1m" help:"How long a request may wait for the beginning of its answer."`

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

// withDefaults returns cfg with Config's defaults in place of zero values.
// Where the zero value is what is meant, it stays.
func (cfg Config) withDefaults() Config {
	cfg.PartSize = cmp.Or(cfg.PartSize, 8<<20)
	cfg.UploadThreshold = cmp.Or(cfg.UploadThreshold, cfg.PartSize)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 3)
	cfg.ReadConcurrency = cmp.Or(cfg.ReadConcurrency, rangeio.DefaultPoolRequests)
	cfg.ReadMemory = cmp.Or(cfg.ReadMemory, rangeio.DefaultPoolMemory)
	cfg.MetadataConcurrency = cmp.Or(cfg.MetadataConcurrency, 32)
	cfg.DeleteConcurrency = cmp.Or(cfg.DeleteConcurrency, 8)
	cfg.PageSize = cmp.Or(cfg.PageSize, 1000)
	if cfg.MaxIdleConns == 0 {
		cfg.MaxIdleConns = max(cfg.DeleteConcurrency, cfg.MetadataConcurrency+cfg.ReadConcurrency, cfg.Concurrency) + 1
	}
	if cfg.MaxConns > 0 {
		cfg.MaxIdleConns = min(cfg.MaxIdleConns, cfg.MaxConns)
	}
	cfg.IdleConnTimeout = cmp.Or(cfg.IdleConnTimeout, 90*time.Second)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, time.Minute)
	cfg.ResponseTimeout = cmp.Or(cfg.ResponseTimeout, time.Minute)
	cfg.Retry = cfg.Retry.WithDefaults()
	return cfg
}

// String returns the configuration without its secrets.
func (cfg Config) String() string {
	return fmt.Sprintf("oss.Config{Bucket:%q Path:%q Layout:%v Region:%q Endpoint:%q AccessKeyID:%q SecretAccessKey:%s SecurityToken:%s}",
		cfg.Bucket, cfg.Path, cfg.Layout, cfg.Region, shown(cfg.Endpoint), cfg.AccessKeyID,
		scrub.Redacted(len(cfg.SecretAccessKey)), scrub.Redacted(len(cfg.SecurityToken)))
}

// Format is String for every verb: %d would show the fields as they are.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText is String: so is what JSON says of a Config.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }

// LogValue keeps secrets out of a log that is handed a Config.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(cfg.String()) }
