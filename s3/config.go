package s3

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config says where a replica is and how it is written. Bucket is required;
// the zero value of every other field is its default. Init refuses a bad field
// before any request, with its name, its value and what would be right.
//
// Printing a Config shows no secret, with any verb, as text, in JSON and in a
// log, alone or in what holds it. fmt calls no method of an unexported field,
// though: a struct that has a Config in one, and is printed, needs a Format
// method of its own.
type Config struct {
	// Bucket is the bucket's name, or the ARN of an access point.
	Bucket string

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root.
	Path string

	// Layout names the files below Path. Litestream's own S3 replicas have
	// ltxstore.LayoutLitestreamS3.
	Layout ltxstore.Layout

	// Region is the bucket's region. Empty asks, in this order, the
	// environment, the profile, the provider's table and the bucket itself
	// (one HEAD of the bucket, once); with an Endpoint the last resort is
	// us-east-1.
	Region string

	// Endpoint is the URL of an S3-compatible service, with scheme. Empty is
	// AWS. A host without scheme is refused: http and https are not guessed.
	Endpoint string

	// PathStyle puts the bucket into the path instead of the host's name. nil
	// is the provider's default: true for any Endpoint that is not known to
	// want the other.
	PathStyle *bool

	// DualStack and FIPS choose AWS's endpoints of that kind.
	DualStack, FIPS bool

	// AccessKeyID, SecretAccessKey and SessionToken are static credentials.
	// Both of the first, or neither. Without them the SDK's default chain is
	// used: environment, Profile, web identity, container, instance.
	AccessKeyID     string
	SecretAccessKey string `json:"-"`
	SessionToken    string `json:"-"`

	// Profile is a profile of the shared configuration files.
	Profile string

	// RoleARN is a role to assume with the credentials above; ExternalID goes
	// with it.
	RoleARN, ExternalID string

	// InsecureSkipVerify accepts any TLS certificate: for tests.
	InsecureSkipVerify bool

	// CABundle is a file of PEM certificates that are trusted instead of the
	// system's. Empty is AWS_CA_BUNDLE, if set.
	CABundle string

	// RoundTripper, if not nil, sends the requests. The pool and TLS settings
	// here do not apply to it; a CABundle given beside it is refused.
	RoundTripper http.RoundTripper

	// PartSize is the size of a part of a multipart upload in bytes: 5 MiB to
	// 5 GiB, 0 means 5 MiB. Parts of a stream of unknown length grow, so that
	// the provider's limit of parts is enough for 5 TiB.
	PartSize int64

	// UploadThreshold is the size in bytes up to which a body goes in one
	// request: at least PartSize (which 0 means), at most 5 GiB.
	UploadThreshold int64

	// Concurrency is how many parts are under way at once. 0 means 5, or what
	// the provider bears. At most Concurrency parts are in memory.
	Concurrency int

	// MetadataConcurrency is how many files' timestamps are asked for at once
	// in a listing with useMetadata. 0 means 64.
	MetadataConcurrency int

	// ReadConcurrency is how many ranges of a whole large file are read at
	// once; a file of less than 4 parts is read in one. 0 and 1 mean one.
	ReadConcurrency int

	// DeleteConcurrency is how many deletions are under way at once. 0 means 4.
	DeleteConcurrency int

	// MaxConns bounds the connections to the service; 0 means no bound.
	// MaxIdleConns is how many are kept for the next request; 0 means as many
	// as the concurrencies above can use. IdleConnTimeout is for how long; 0
	// means 90 s.
	MaxConns, MaxIdleConns int
	IdleConnTimeout        time.Duration

	// IdleTimeout is how long a transfer may make no progress, and
	// ResponseTimeout how long a request may wait for the beginning of its
	// answer. 0 means one minute. There is no limit on a whole transfer.
	IdleTimeout, ResponseTimeout time.Duration

	// StorageClass of new objects. Empty is the bucket's default.
	StorageClass string

	// SSE is "AES256" (SSE-S3) or "aws:kms"; KMSKeyID and KMSContext go with
	// the latter, and imply it. Empty is the bucket's default.
	SSE        string
	KMSKeyID   string
	KMSContext map[string]string

	// SSECustomerKey is a key of 32 bytes for SSE-C, which the service uses
	// and forgets; SSECustomerKeyFile a file that holds it, raw or in base64.
	// It goes over TLS only, and with every request about an object.
	SSECustomerKey     []byte `json:"-"`
	SSECustomerKeyFile string

	// Tags of new objects.
	Tags map[string]string

	// UnsignedPayload sends bodies without their SHA-256 in the signature.
	// Few providers take that. It saves CPU where bodies have no checksum
	// behind them: with one, over TLS, they are sent so anyway.
	UnsignedPayload bool

	// ContentMD5 says when a Content-MD5 is sent.
	ContentMD5 MD5Mode

	// ChecksumAlgorithm is that by which the service verifies what it is
	// sent: "crc32", "crc32c", "crc64nvme", "sha256", or "none". Empty is
	// crc32 on AWS, and what the provider takes elsewhere.
	ChecksumAlgorithm string

	// WriteOnce refuses to write a file that exists with other content (W6).
	// It needs a provider with conditional writes.
	WriteOnce bool

	// Retry is how failed requests are repeated.
	Retry ltxstore.Retry

	// Logger gets the log. nil means slog.Default. See SetLogger.
	Logger *slog.Logger

	leastPart int64 // of this package's tests: 0 is minPartSize
}

// MD5Mode says with which requests a Content-MD5 is sent.
type MD5Mode string

// The modes of Content-MD5.
const (
	MD5Auto   MD5Mode = ""       // with DeleteObjects, but for providers that refuse it
	MD5Never  MD5Mode = "never"  // with none
	MD5Always MD5Mode = "always" // with every body: buckets with Object Lock want it where checksums are off
)

// String returns the configuration without its secrets.
func (cfg Config) String() string {
	return fmt.Sprintf("s3.Config{Bucket:%q Path:%q Layout:%v Region:%q Endpoint:%q Profile:%q AccessKeyID:%q SecretAccessKey:%s SessionToken:%s SSECustomerKey:%s}",
		cfg.Bucket, cfg.Path, cfg.Layout, cfg.Region, withoutUser(cfg.Endpoint), cfg.Profile, cfg.AccessKeyID,
		scrub.Redacted(len(cfg.SecretAccessKey)), scrub.Redacted(len(cfg.SessionToken)), scrub.Redacted(len(cfg.SSECustomerKey)))
}

// GoString is String: %#v must not show a secret either.
func (cfg Config) GoString() string { return cfg.String() }

// Format is String for every verb: %d would show the fields as they are.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText is String: so is what JSON says of a Config.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }

// LogValue keeps secrets out of a log that is handed a Config.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(cfg.String()) }

// withoutUser hides an endpoint that has a password in it, which Init refuses.
func withoutUser(endpoint string) string {
	if strings.Contains(endpoint, "@") {
		return "[redacted]"
	}
	return endpoint
}
