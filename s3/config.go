package s3

import (
	"fmt"
	"log/slog"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Config says where a replica is and how it is written. Bucket is required; the
// zero value of every other field is its default. If a field is invalid, Init
// fails before any request, with the field's name, its value and what would be
// right.
//
// Printing a Config shows no secret, with any verb, as text, in JSON and in a
// log, alone or in what holds it. fmt calls no method of an unexported field,
// though: a struct that has a Config in one, and is printed, needs a Format
// method of its own.
type Config struct {
	// Bucket is the bucket's name, or the ARN of an access point.
	Bucket string `ltx:"bucket" default:"required" help:"The bucket's name, or the ARN of an access point."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout names the files below Path. Litestream's own S3 replicas have
	// ltxstore.LayoutLitestreamS3.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// Region is the bucket's region. Empty asks, in this order, the
	// environment, the profile, the provider's table and the bucket itself
	// (one HEAD of the bucket, once); with an Endpoint the last resort is
	// us-east-1.
	Region string `ltx:"region" match:"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" want:"a region's name such as \"us-east-1\"" default:"found out" help:"The bucket's region."`

	// Endpoint is the URL of an S3-compatible service, with scheme. Empty is
	// AWS. A host without scheme is refused: http and https are not guessed.
	Endpoint string `ltx:"endpoint,kind=URL" default:"AWS" help:"The URL of an S3-compatible service. Without a scheme it is 'https', but 'http' for 'localhost', '.local' and private addresses."`

	// PathStyle puts the bucket into the path instead of the host's name. nil
	// is the provider's default: true for any Endpoint that is not known to
	// want the other.
	PathStyle *bool `ltx:"force-path-style|path-style" default:"the provider's" help:"Whether the bucket goes into the path instead of the host's name."`

	// DualStack and FIPS choose AWS's endpoints of that kind.
	DualStack bool `ltx:"dual-stack" default:"false" help:"Use AWS's endpoints that have IPv6 too."`
	FIPS      bool `ltx:"fips" default:"false" help:"Use AWS's FIPS endpoints."`

	// AccessKeyID, SecretAccessKey and SessionToken are static credentials.
	// Both of the first, or neither. Without them the SDK's default chain is
	// used: environment, Profile, web identity, container, instance.
	AccessKeyID     string `ltx:"access-key-id" match:"^[^\\x00-\\x20\\x7f]*$" want:"no white space in it" default:"the environment's, or the SDK's chain" help:"The ID of static credentials. The URL's user."`
	SecretAccessKey string `ltx:"secret-access-key,secret" match:"^[^\\x00-\\x20\\x7f]*$" want:"no white space in it" default:"as above" help:"The secret that goes with it. The URL's password." json:"-"`
	SessionToken    string `ltx:"session-token,secret" match:"^[^\\x00-\\x20\\x7f]*$" want:"no white space in it" default:"none" help:"The token that goes with both, if they are temporary." json:"-"`

	// Profile is a profile of the shared configuration files.
	Profile string `ltx:"profile" match:"^\\S(.*\\S)?$" want:"no white space around it" default:"'AWS_PROFILE'" help:"A profile of the shared configuration files."`

	// RoleARN is a role to assume with the credentials above; ExternalID goes
	// with it.
	RoleARN    string `ltx:"role-arn" default:"none" help:"A role to assume."`
	ExternalID string `ltx:"external-id,secret" default:"none" help:"The external ID that the role wants."`

	// HTTP configures the connections to the service. An empty CABundle is
	// AWS_CA_BUNDLE, if set.
	HTTP transport.Options `ltx:"" ca-bundle:"; 'AWS_CA_BUNDLE'"`

	// Transfer sets the sizes and the concurrency of transfers. PartSize is 5
	// MiB to 5 GiB, UploadThreshold PartSize to 5 GiB. Concurrency is 5 by
	// default, or what the provider bears, MetadataConcurrency 64 and
	// DeleteConcurrency 4. A page has 1000 files. Parts of a stream of unknown
	// length grow, so that the provider's limit of parts is enough for 5 TiB.
	Transfer object.Options `ltx:"" part-size:",max=5GiB;; Bytes of a part of a multipart upload, 5 MiB to 5 GiB." upload-threshold:",max=5GiB" concurrency:"; 5, or what the provider bears; Parts under way at once." metadata-concurrency:"; 64; Timestamps asked for at once in a listing." delete-concurrency:"; 4; Deletions under way at once." page-size:"-"`

	// StorageClass of new objects. Empty is the bucket's default.
	StorageClass string `ltx:"storage-class" match:"^[A-Z0-9_]{1,64}$" want:"a class such as \"STANDARD_IA\"" default:"the bucket's" help:"The storage class of new objects."`

	// SSE is "AES256" (SSE-S3) or "aws:kms"; KMSKeyID and KMSContext go with
	// the latter, and imply it. Empty is the bucket's default.
	SSE        string            `ltx:"sse,oneof=AES256|aws:kms" default:"the bucket's" help:"Encryption by the service: 'AES256' or 'aws:kms'."`
	KMSKeyID   string            `ltx:"sse-kms-key-id" match:"^[^\\x00-\\x20\\x7f]*$" want:"a key's ID, ARN or alias" default:"the bucket's" help:"The key for 'aws:kms', which it implies."`
	KMSContext map[string]string `ltx:"sse-kms-context" default:"none" help:"A pair of the encryption context for 'aws:kms'."`

	// SSECustomerKey is a key of 32 bytes for SSE-C, which the service uses and
	// forgets; SSECustomerKeyFile a file that holds it, raw or in base64. It
	// goes with every request about an object, and over TLS only, unless
	// SSECustomerOverHTTP allows sending the key without TLS, where the network
	// can see it.
	SSECustomerKey     []byte `ltx:"sse-customer-key,base64,secret" default:"none" help:"A key of 32 bytes for SSE-C, in base64." json:"-"`
	SSECustomerKeyFile string `ltx:"sse-customer-key-path,not=sse-customer-key" default:"none" help:"A file that holds the key, raw or in base64."`

	SSECustomerOverHTTP bool `ltx:"sse-customer-over-http" default:"false" help:"Send the key of SSE-C to an endpoint without TLS too, where the network can read it."`

	// Tags of new objects.
	Tags map[string]string `ltx:"tags" default:"none" help:"A tag of new objects."`

	// SignPayload puts the SHA-256 of bodies into the signature. nil means
	// true. Few providers accept false. It saves CPU only where bodies have
	// no checksum in a trailer: bodies with one are sent unsigned over TLS
	// anyway. Without a checksum and without ContentMD5, a client with
	// SignPayload false can only read.
	SignPayload *bool `ltx:"sign-payload" default:"true" help:"Put the SHA-256 of bodies into the signature."`

	// ContentMD5 says when a Content-MD5 is sent.
	ContentMD5 MD5Mode `ltx:"content-md5,oneof=never|always|bodies" default:"the provider's" help:"Send Content-MD5 'never', 'always' (with every body too), or with 'bodies' alone."`

	// ChecksumAlgorithm is the checksum by which the service verifies bodies:
	// "crc32", "crc32c", "crc64nvme", "sha256" or "none". Empty means crc32
	// on AWS, and elsewhere what the provider accepts.
	ChecksumAlgorithm string `ltx:"checksum-algorithm,oneof=crc32|crc32c|crc64nvme|sha256|none" default:"'crc32' on AWS, else what the provider takes" help:"By what the service verifies: 'crc32', 'crc32c', 'crc64nvme', 'sha256' or 'none'."`

	// WriteOnce refuses to write a file that exists with other content (W6).
	// It needs a provider with conditional writes.
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// Retry sets how often, and with which waits, a failed request is repeated.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger receives the log. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-"`

	hideAcceptEncoding bool // leave the header out of the signature, whatever the provider

	leastPart int64 // of this package's tests: 0 is minPartSize
}

// signs reports whether the bodies' SHA-256 is to be in the signature.
func (cfg Config) signs() bool { return cfg.SignPayload == nil || *cfg.SignPayload }

// MD5Mode says with which requests a Content-MD5 is sent.
type MD5Mode string

// The modes of Content-MD5.
const (
	MD5Auto   MD5Mode = ""       // with DeleteObjects, but for providers that refuse it
	MD5Never  MD5Mode = "never"  // with none
	MD5Always MD5Mode = "always" // with every body: buckets with Object Lock want it where checksums are off
	MD5Bodies MD5Mode = "bodies" // with every body, and not with DeleteObjects
)

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its secrets, also for JSON and
// log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }
