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

// Config is the configuration of a ReplicaClient. Bucket is required; the zero value
// of every other field means its default. If a field is invalid, Init fails before it
// sends a request, with an error that contains the field's name and value and what is
// expected.
//
// Printing, logging or encoding a Config does not show its secrets. But package fmt
// does not call the methods of unexported fields: a struct with a Config in such a
// field needs a Format method of its own.
type Config struct {
	// Bucket is the bucket's name, or the ARN of an access point.
	Bucket string `ltx:"bucket" default:"required" help:"The bucket's name, or the ARN of an access point."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty means the bucket's root.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout is how the files below Path are named. Litestream's S3 replicas use
	// ltxstore.LayoutLitestreamS3.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	// Region is the bucket's region. If it is empty, it is that of the environment,
	// the profile, the provider, or the bucket itself, in this order; the last one
	// costs a HEAD of the bucket once. With an Endpoint, it is finally us-east-1.
	Region string `ltx:"region" match:"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" want:"a region's name such as \"us-east-1\"" default:"found out" help:"The bucket's region."`

	// Endpoint is the URL of an S3-compatible service, with its scheme. Empty means
	// AWS. A host without a scheme is rejected: the scheme is not guessed.
	Endpoint string `ltx:"endpoint,kind=URL" default:"AWS" help:"The URL of an S3-compatible service. Without a scheme it is 'https', but 'http' for 'localhost', '.local' and private addresses."`

	// PathStyle puts the bucket into the path instead of the host name. nil means the
	// provider's default, which is true for any Endpoint not known to require the
	// opposite.
	PathStyle *bool `ltx:"force-path-style|path-style" default:"the provider's" help:"Put the bucket into the path instead of the host name."`

	// DualStack and FIPS select AWS's endpoints of these kinds.
	DualStack bool `ltx:"dual-stack" default:"false" help:"Use AWS's endpoints with IPv4 and IPv6."`
	FIPS      bool `ltx:"fips" default:"false" help:"Use AWS's FIPS endpoints."`

	// AccessKeyID, SecretAccessKey and, if they are temporary, SessionToken are static
	// credentials. Without them, the default chain of the SDK is used: environment,
	// Profile, web identity, container, instance.
	AccessKeyID     string `ltx:"access-key-id" match:"^[^\\x00-\\x20\\x7f]*$" want:"no white space in it" default:"the environment's, or the SDK's chain" help:"The ID of static credentials, or the URL's user."`
	SecretAccessKey string `ltx:"secret-access-key,secret" match:"^[^\\x00-\\x20\\x7f]*$" want:"no white space in it" default:"as above" help:"The secret of static credentials, or the URL's password." json:"-"`
	SessionToken    string `ltx:"session-token,secret" match:"^[^\\x00-\\x20\\x7f]*$" want:"no white space in it" default:"none" help:"The token of temporary credentials." json:"-"`

	// Profile is a profile of the shared configuration files.
	Profile string `ltx:"profile" match:"^\\S(.*\\S)?$" want:"no white space around it" default:"'AWS_PROFILE'" help:"A profile of the shared configuration files."`

	// RoleARN is a role to assume with the credentials above, and ExternalID the
	// external ID that it requires.
	RoleARN    string `ltx:"role-arn" default:"none" help:"A role to assume."`
	ExternalID string `ltx:"external-id,secret" default:"none" help:"The external ID that the role requires."`

	// HTTP configures the connections to the service. An empty CABundle means
	// AWS_CA_BUNDLE, if set.
	HTTP transport.Options `ltx:"" ca-bundle:"; 'AWS_CA_BUNDLE'"`

	// Transfer configures the sizes and the concurrency of transfers. PartSize is from
	// 5 MiB to 5 GiB, and UploadThreshold from PartSize to 5 GiB. The default of
	// Concurrency is 5, or less if the provider requires it, that of
	// MetadataConcurrency is 64, and that of DeleteConcurrency is 4. A page has 1000
	// files. Parts of a stream of unknown length grow, so that the provider's limit on
	// their number is enough for 5 TiB.
	Transfer object.Options `ltx:"" part-size:",max=5GiB;; Bytes of a part of a multipart upload, 5 MiB to 5 GiB." upload-threshold:",max=5GiB" concurrency:"; 5, or what the provider bears; Parts under way at once." metadata-concurrency:"; 64; Timestamps asked for at once in a listing." delete-concurrency:"; 4; Deletions under way at once." page-size:"-"`

	// StorageClass is the storage class of new objects. Empty means the bucket's.
	StorageClass string `ltx:"storage-class" match:"^[A-Z0-9_]{1,64}$" want:"a class such as \"STANDARD_IA\"" default:"the bucket's" help:"The storage class of new objects."`

	// SSE is the server-side encryption of new objects: "AES256" (SSE-S3) or "aws:kms",
	// which KMSKeyID and KMSContext imply. Empty means the bucket's.
	SSE        string            `ltx:"sse,oneof=AES256|aws:kms" default:"the bucket's" help:"The server-side encryption of new objects: 'AES256' or 'aws:kms'."`
	KMSKeyID   string            `ltx:"sse-kms-key-id" match:"^[^\\x00-\\x20\\x7f]*$" want:"a key's ID, ARN or alias" default:"the bucket's" help:"The key for 'aws:kms'. It implies 'aws:kms'."`
	KMSContext map[string]string `ltx:"sse-kms-context" default:"none" help:"A pair of the encryption context for 'aws:kms'."`

	// SSECustomerKey is a key of 32 bytes for SSE-C, which the service does not store,
	// and SSECustomerKeyFile is a file with the key, raw or in base64. The key is sent
	// with every request about an object. That requires TLS, unless
	// SSECustomerOverHTTP is true, with which the network can read the key.
	SSECustomerKey     []byte `ltx:"sse-customer-key,base64,secret" default:"none" help:"A key of 32 bytes for SSE-C, in base64." json:"-"`
	SSECustomerKeyFile string `ltx:"sse-customer-key-path,not=sse-customer-key" default:"none" help:"A file with the key, raw or in base64."`

	SSECustomerOverHTTP bool `ltx:"sse-customer-over-http" default:"false" help:"Send the key of SSE-C even without TLS, so that the network can read it."`

	// Tags are the tags of new objects.
	Tags map[string]string `ltx:"tags" default:"none" help:"A tag of new objects."`

	// SignPayload puts the SHA-256 of bodies into the signature. nil means true. Few
	// providers accept false, which saves CPU time only if bodies have no checksum in
	// a trailer: with one, they are not signed over TLS anyway. If SignPayload is
	// false, and there is neither a checksum nor ContentMD5, the client can only read.
	SignPayload *bool `ltx:"sign-payload" default:"true" help:"Put the SHA-256 of bodies into the signature."`

	// ContentMD5 selects the requests with a Content-MD5.
	ContentMD5 MD5Mode `ltx:"content-md5,oneof=never|always|bodies" default:"the provider's" help:"Send Content-MD5 'never', 'always', or only with 'bodies' of files."`

	// ChecksumAlgorithm is the checksum with which the service verifies bodies:
	// "crc32", "crc32c", "crc64nvme", "sha256" or "none". Empty means crc32 on AWS,
	// and otherwise the provider's default.
	ChecksumAlgorithm string `ltx:"checksum-algorithm,oneof=crc32|crc32c|crc64nvme|sha256|none" default:"'crc32' on AWS, otherwise the provider's" help:"The checksum with which the service verifies bodies: 'crc32', 'crc32c', 'crc64nvme', 'sha256' or 'none'."`

	// WriteOnce refuses to replace a file with different content (clause W6). It
	// requires a provider with conditional writes.
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// Retry configures how failed requests are retried.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger is the logger. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-"`

	hideAcceptEncoding bool // omit the header from the signature with any provider

	leastPart int64 // for tests of this package: 0 means minPartSize
}

// signs reports whether the SHA-256 of bodies is in the signature.
func (cfg Config) signs() bool { return cfg.SignPayload == nil || *cfg.SignPayload }

// MD5Mode selects the requests with a Content-MD5.
type MD5Mode string

// The modes of Content-MD5.
const (
	MD5Auto   MD5Mode = ""       // DeleteObjects, unless the provider rejects it
	MD5Never  MD5Mode = "never"  // none
	MD5Always MD5Mode = "always" // all with a body: buckets with Object Lock require it without checksums
	MD5Bodies MD5Mode = "bodies" // all with a body except DeleteObjects
)

// Format writes the configuration without its secrets, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its secrets, also for JSON and
// log/slog.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }
