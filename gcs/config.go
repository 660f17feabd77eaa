package gcs

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/storage"

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
	// Bucket is the bucket's name.
	Bucket string `ltx:"bucket" default:"required" help:"The bucket's name."`

	// Path is the replica's path in the bucket, cleaned by backend.CleanPath.
	// Empty is the bucket's root.
	Path string `ltx:"path,path" default:"the bucket's root" help:"The replica's path in the bucket."`

	// Layout names the files below Path. Litestream's own gs replicas have
	// ltxstore.LayoutLitestream.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// Endpoint is the URL of another service that speaks Google's JSON API, an
	// emulator for one: https://host or http://host, with an optional port, and
	// with no path but /storage/v1. Empty is STORAGE_EMULATOR_HOST, if set, else
	// Google.
	Endpoint string `ltx:"endpoint" default:"'STORAGE_EMULATOR_HOST', or Google" help:"The URL of another service that speaks Google's JSON API."`

	// CredentialsFile is a file of credentials as Google's tools write it,
	// and CredentialsJSON is the content of such a file; at most one of them
	// may be set. Without either the application default credentials are
	// used: the environment's file, gcloud's, or those of the machine.
	CredentialsFile string `ltx:"credentials-file" default:"the application default credentials" help:"A file of credentials as Google's tools write it."`
	CredentialsJSON []byte `ltx:"credentials-json,kind=JSON,secret,not=credentials-file" default:"as above" help:"The content of such a file." json:"-"`

	// Anonymous sends no credentials. It is implied for an Endpoint, or an
	// emulator, without CredentialsFile and CredentialsJSON.
	Anonymous bool `ltx:"anonymous" default:"false, but for an 'endpoint' without credentials" help:"Send no credentials."`

	// QuotaProject is the project that requests are billed to.
	QuotaProject string `ltx:"quota-project" match:"^[^\\x00-\\x20\\x7f]*$" want:"a project's ID or number" default:"none" help:"The project that requests are billed to."`

	// InsecureSkipVerify accepts any TLS certificate: for tests.
	InsecureSkipVerify bool `ltx:"skip-verify" default:"false" help:"Accept any TLS certificate: for tests."`

	// CABundle is a file of PEM certificates that are trusted instead of the
	// system's.
	CABundle string `ltx:"ca-bundle" default:"the system's" help:"A file of PEM certificates that are trusted instead of the system's."`

	// RoundTripper, if not nil, sends the requests, those for tokens too. The
	// pool and TLS settings do not apply to it; a CABundle is refused
	// together with it.
	RoundTripper http.RoundTripper `ltx:"-"`

	// Client, if not nil, is used as it is: one that speaks gRPC, for
	// example. Credentials, endpoint, pool and TLS are then its own, and
	// these fields are refused together with it. It repeats requests and
	// resumes bodies in its own way, and may decompress what another tool
	// stored with a Content-Encoding. It is not closed. Its answers are not
	// checked as those of our own transport are: noticing an upload that was
	// stored in part, or an empty document instead of a listing, is up to the
	// SDK. A missing file costs one more request. The gRPC form has not been
	// tested against a service.
	Client *storage.Client `ltx:"-"`

	// ChunkSize is how much of a large upload is sent, and held in memory, at
	// once, in bytes: a multiple of 256 KiB, at most 1 GiB. 0 means 8 MiB.
	ChunkSize int64 `ltx:"chunk-size,size,max=1GiB" default:"8MiB" help:"Bytes of a large upload that are sent, and held in memory, at once: a multiple of 256 KiB."`

	// UploadThreshold is the size in bytes up to which a body goes in one
	// request, at most 1 GiB. 0 means ChunkSize.
	UploadThreshold int64 `ltx:"upload-threshold,size,max=1GiB" default:"'chunk-size'" help:"Bytes up to which a body goes in one request."`

	// MetadataConcurrency is how many files' headers are read at once in a
	// listing with useMetadata of files that another tool has copied. 0 means
	// 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Headers read at once in a listing, where another tool's copy has lost the times."`

	// ReadConcurrency is how many ranges of large files are read at once, and
	// ReadMemory how many bytes of them are in memory at the most: all clients
	// in a process that have the same two values share them. Each range is of
	// ReadMemory/ReadConcurrency bytes; a file of no more than two is read by
	// one request. 0 means 16 and 32 MiB; a ReadConcurrency of 1, that each file
	// is read by one request, whatever its size.
	ReadConcurrency int   `ltx:"read-concurrency" default:"16" help:"Ranges of large files read at once, by all replicas that have the same two settings; 1 for none in parallel."`
	ReadMemory      int64 `ltx:"read-memory,size" default:"32MiB" help:"Bytes of these ranges held in memory, by all together."`

	// DeleteConcurrency is how many deletions are under way at once. 0 means
	// 64: the service has no request that deletes several files.
	DeleteConcurrency int `ltx:"delete-concurrency" default:"64" help:"Deletions under way at once."`

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

	// StorageClass of new objects. Empty is the bucket's default.
	StorageClass string `ltx:"storage-class" match:"^[A-Z_]{1,64}$" want:"a class such as \"NEARLINE\"" default:"the bucket's" help:"The storage class of new objects."`

	// KMSKeyName is the customer-managed key of new objects:
	// projects/P/locations/L/keyRings/R/cryptoKeys/K. Empty is the bucket's
	// default.
	KMSKeyName string `ltx:"kms-key-name" match:"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$" want:"projects/P/locations/L/keyRings/R/cryptoKeys/K" default:"the bucket's" help:"The customer-managed key of new objects."`

	// SSECustomerKey is a customer-supplied key of 32 bytes, which the service
	// uses and forgets; SSECustomerKeyFile a file that holds it, raw or in
	// base64. It goes with every request about an object.
	SSECustomerKey     []byte `ltx:"sse-customer-key,base64,secret" default:"none" help:"A customer-supplied key of 32 bytes, in base64." json:"-"`
	SSECustomerKeyFile string `ltx:"sse-customer-key-path,not=sse-customer-key" default:"none" help:"A file that holds the key, raw or in base64."`

	// WriteOnce refuses to write a file that exists with other content (W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// Retry is how failed requests are repeated.
	Retry ltxstore.Retry `ltx:"retry"`

	// Logger gets the log. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-"`
}

// String returns the configuration without its secrets.
func (cfg Config) String() string {
	return fmt.Sprintf("gcs.Config{Bucket:%q Path:%q Layout:%v Endpoint:%q CredentialsFile:%q CredentialsJSON:%s SSECustomerKey:%s}",
		cfg.Bucket, cfg.Path, cfg.Layout, withoutUser(cfg.Endpoint), cfg.CredentialsFile,
		scrub.Redacted(len(cfg.CredentialsJSON)), scrub.Redacted(len(cfg.SSECustomerKey)))
}

// GoString is String: %#v must not show a secret either.
func (cfg Config) GoString() string { return cfg.String() }

// Format is String for every verb: %d would show the fields as they are.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// MarshalText returns String, so that JSON shows no secret either.
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
